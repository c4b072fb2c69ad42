import { GoRandom } from './go-random.js';
import type { KetamaRing } from './ketama-ring.js';
import { md5 } from './md5.js';

export interface ShardOptions {
  readonly tenant: string;
  /** Endpoints to take; rounded up to the same number from each zone when zones count. */
  readonly size: number;
  readonly zoneAware: boolean;
}

/**
 * The endpoints of a tenant (spec/receive.md 3.7): a few of the ring, by its name alone, so that tenants who harm their endpoints
 * harm few others. In each zone, a random point that the tenant's name seeds goes to the next owner that has none yet; therefore
 * a new endpoint takes at most one place in a zone's share.
 * @returns indexes into the ring's endpoints, ascending
 */
export function shardOf(ring: KetamaRing, { tenant, size, zoneAware }: ShardOptions): number[] {
  const zoneOf = (endpoint: number): string => (zoneAware ? (ring.endpoints[endpoint]?.zone ?? '') : '');
  const zones = new Set(ring.endpoints.map((_, endpoint) => zoneOf(endpoint)));
  const taken = new Set<number>();
  for (const zone of zones) {
    const random = new GoRandom(shardSeed(tenant, zone));
    for (let place = 0; place < perZone(size, zones.size); place += 1) {
      const { hi, lo } = random.next();
      taken.add(ring.ownerFrom(hi, lo, (endpoint) => !taken.has(endpoint) && zoneOf(endpoint) === zone));
    }
  }
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
