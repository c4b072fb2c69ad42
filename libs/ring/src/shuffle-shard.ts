import { md5 } from '@gauntlet/base';
import { GoRandom } from './go-random.js';
import type { Endpoint } from './hashring-config.js';
import type { KetamaRing } from './ketama-ring.js';
import { zoneSizes } from './zones.js';

/** The zones that shards are spread over. */
export interface ZoneLayout {
  readonly zones: readonly string[];
  /** For each endpoint the index of its zone. */
  readonly zoneOf: Uint16Array;
}

/** All endpoints form one zone without a name where zones do not count. */
export function zoneLayout(endpoints: readonly Endpoint[], zoneAware: boolean): ZoneLayout {
  const zones = zoneAware ? [...zoneSizes(endpoints).keys()] : [''];
  const indexes = new Map(zones.map((zone, index) => [zone, index]));
  return { zones, zoneOf: Uint16Array.from(endpoints, ({ zone }) => indexes.get(zone) ?? 0) };
}

/**
 * The endpoints of a tenant (spec/receive.md 3.7): a few of the ring, by its name alone, so that tenants who harm their endpoints
 * harm few others. In each zone, random points that the tenant's name seeds go each to the next owner not yet taken; therefore
 * a new endpoint takes at most one place in a shard.
 * @param size endpoints to take; rounded up to the same number from each zone
 * @returns indexes into the ring's endpoints, ascending
 */
export function shardOf(ring: KetamaRing, { zones, zoneOf }: ZoneLayout, tenant: string, size: number): number[] {
  const taken = new Set<number>();
  zones.forEach((zone, index) => {
    const random = new GoRandom(shardSeed(tenant, zone));
    for (let place = 0; place < perZone(size, zones.length); place += 1) {
      const { hi, lo } = random.next();
      taken.add(ring.ownerFrom(hi, lo, (endpoint) => zoneOf[endpoint] === index && !taken.has(endpoint)));
    }
  });
  return [...taken].sort((a, b) => a - b);
}

/** How many endpoints a shard of that size has in each of its zones. */
export function perZone(size: number, zoneCount: number): number {
  return Math.ceil(size / zoneCount);
}

/** The first 8 bytes of MD5(tenant), or of MD5(tenant, 0, zone) where there is a zone: big-endian and signed. */
export function shardSeed(tenant: string, zone: string): bigint {
  const digest = md5(Buffer.from(zone === '' ? tenant : `${tenant}\0${zone}`));
  return new DataView(digest.buffer).getBigInt64(0);
}
