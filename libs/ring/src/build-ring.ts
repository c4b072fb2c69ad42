import { HashringError } from './error.js';
import { HashmodRing } from './hashmod-ring.js';
import type { HashringConfig, ShuffleShardingConfig } from './hashring-config.js';
import { KetamaRing, type WalkBudget } from './ketama-ring.js';
import { pointsOf, sectionsOf } from './ketama-sections.js';
import { endpointsMax, type Ring } from './ring.js';
import { perZone } from './shuffle-shard.js';
import { ShuffleSharding, type ShuffleShardingOptions } from './shuffle-sharding.js';
import { matchesExactly, matchesPattern, type TenantMatcher } from './tenant-matcher.js';
import { anyDrawHolds, replicasMax, zoneSizes } from './zones.js';

export type Algorithm = 'hashmod' | 'ketama';

export interface RingOptions {
  readonly algorithm: Algorithm;
  readonly replicationFactor: number;
  readonly budget: RingBudget;
}

/** What the ketama rings of a configuration may still take, so that none blocks its router for more than some seconds. */
export interface RingBudget {
  endpoints: number;
  readonly walk: WalkBudget;
}

export function newRingBudget(): RingBudget {
  return { endpoints: ketamaEndpointsMax, walk: { steps: walkStepsMax } };
}

export const replicationFactorMax = 16;
/** Of all ketama hashrings of a configuration: each endpoint has 1000 points, which takes about a millisecond and 20 KiB. */
export const ketamaEndpointsMax = 2000;
const walkStepsMax = 400_000_000;
/** Of a shard, unless it is the whole ring: it is built while a write waits. */
export const shardEndpointsMax = 250;
/** Of all shards that a hashring may have in its cache, so that they fit a gibibyte. */
export const cachedEndpointsMax = 50_000;
const cachedShardsDefault = 100;

/** @throws HashringError HASHRING_INVALID; texts that Thanos has are kept */
export function buildRing(
  config: HashringConfig,
  options: RingOptions,
): { readonly ring: Ring; readonly shuffleSharding: ShuffleSharding | undefined } {
  const { name, endpoints, shuffleSharding } = config;
  const { replicationFactor } = options;
  const algorithm = config.algorithm === '' ? options.algorithm : config.algorithm;
  if (algorithm !== 'hashmod' && algorithm !== 'ketama')
    throw invalid(name, `unknown algorithm ${quote(algorithm)}, must be hashmod or ketama`);
  if (!Number.isInteger(replicationFactor) || replicationFactor < 1 || replicationFactor > replicationFactorMax)
    throw invalid(name, `replication factor ${replicationFactor} is not between 1 and ${replicationFactorMax}`);
  if (algorithm === 'hashmod') {
    checkHashmod(config, replicationFactor);
    return { ring: new HashmodRing(name, endpoints, replicationFactor), shuffleSharding: undefined };
  }
  checkKetama(config, options);
  const points = pointsOf(endpoints);
  const ring = new KetamaRing(name, endpoints, replicationFactor, sectionsOf(points), options.budget.walk);
  if (shuffleSharding.shardSize <= 0) return { ring, shuffleSharding: undefined };
  return { ring, shuffleSharding: new ShuffleSharding(ring, points, shuffleOptions(config, replicationFactor)) };
}

function checkHashmod({ name, endpoints, shuffleSharding }: HashringConfig, replicationFactor: number): void {
  if (endpoints.length > endpointsMax)
    throw invalid(name, `${endpoints.length} endpoints are more than ${endpointsMax}`);
  if (endpoints.some(({ zone }) => zone !== '')) {
    throw sameText(
      'Hashmod algorithm does not support AZ aware hashring configuration. Either use Ketama or remove AZ configuration.',
    );
  }
  if (shuffleSharding.shardSize > 0) {
    throw sameText(
      'hashmod algorithm does not support shuffle sharding. Either use Ketama or remove shuffle sharding configuration',
    );
  }
  if (endpoints.length < replicationFactor)
    throw invalid(name, `insufficient nodes; have ${endpoints.length}, want ${replicationFactor}`);
}

function checkKetama(config: HashringConfig, { replicationFactor, budget }: RingOptions): void {
  const { name, endpoints, shuffleSharding } = config;
  const { shardSize } = shuffleSharding;
  if (shardSize > endpoints.length)
    throw sameText(`shard size ${shardSize} is larger than number of nodes in hashring ${name} (${endpoints.length})`);
  if (endpoints.length < replicationFactor)
    throw sameText('ketama: amount of endpoints needs to be larger than replication factor');
  budget.endpoints -= endpoints.length;
  if (budget.endpoints < 0) {
    const together = ketamaEndpointsMax - budget.endpoints;
    throw invalid(name, `with it, ketama hashrings have ${together} endpoints, more than ${ketamaEndpointsMax}`);
  }
  const most = replicasMax([...zoneSizes(endpoints).values()]);
  if (replicationFactor > most) throw invalid(name, `its zones can hold ${most} replicas, not ${replicationFactor}`);
}

/** Checks every size that a tenant may get, so that no tenant is refused later. */
function shuffleOptions(config: HashringConfig, replicationFactor: number): ShuffleShardingOptions {
  const { name, endpoints, shuffleSharding } = config;
  const { shardSize, cacheSize, zoneAwarenessDisabled } = shuffleSharding;
  const overrides = shuffleSharding.overrides.flatMap((override) => {
    const matches = overrideMatcher(name, override);
    return matches ? { size: override.shardSize, matches } : [];
  });
  const repeated = firstRepeated(endpoints.map(({ address }) => address));
  if (repeated !== undefined)
    throw invalid(name, `endpoint ${quote(repeated)} is listed twice, so a shard could have it in two places`);

  const zones = zoneSizes(endpoints);
  const sizes = new Set([shardSize, ...overrides.map(({ size }) => size)]);
  for (const size of sizes) checkShard(name, { size, zones, zoneAware: !zoneAwarenessDisabled, replicationFactor });

  const cachedTenantsMax = cacheSize > 0 ? cacheSize : cachedShardsDefault;
  const largest = [...sizes].reduce((a, b) => Math.max(a, b));
  if (cachedTenantsMax * largest > cachedEndpointsMax) {
    throw invalid(
      name,
      `a cache of ${cachedTenantsMax} shards of up to ${largest} endpoints may hold more than ${cachedEndpointsMax} endpoints; lower cache_size`,
    );
  }
  return { defaultSize: shardSize, overrides, zoneAware: !zoneAwarenessDisabled, cachedTenantsMax };
}

function checkShard(
  name: string,
  shard: {
    readonly size: number;
    readonly zones: ReadonlyMap<string, number>;
    readonly zoneAware: boolean;
    readonly replicationFactor: number;
  },
): void {
  const { size, zones, zoneAware, replicationFactor } = shard;
  const sizes = [...zones.values()];
  const all = sizes.reduce((a, b) => a + b, 0);
  const groups = zoneAware ? zones : new Map([['', all]]);
  const share = perZone(size, groups.size);
  for (const [zone, count] of groups) {
    if (share > count) throw sameText(`shard size ${size} is larger than number of nodes in AZ ${zone} (${count})`);
  }
  const total = Math.max(0, share * groups.size);
  if (total < replicationFactor) {
    throw invalid(
      name,
      `shard size ${size} gives a tenant ${total} endpoints, fewer than the replication factor ${replicationFactor}`,
    );
  }
  if (total > shardEndpointsMax && total < all)
    throw invalid(
      name,
      `shard size ${size} gives a tenant ${total} of ${all} endpoints, more than ${shardEndpointsMax}`,
    );
  // With as many from each zone, enough endpoints are all it takes.
  if (!zoneAware && !anyDrawHolds(replicationFactor, size, sizes)) {
    throw invalid(
      name,
      `with zone_awareness_disabled, shard size ${size} gives some tenants zones that cannot hold ${replicationFactor} replicas`,
    );
  }
}

/** Undefined where it matches nobody: without a type (which at a hashring means exact), without tenants, or without a valid pattern. */
function overrideMatcher(
  name: string,
  { tenants, matcherType }: ShuffleShardingConfig['overrides'][number],
): TenantMatcher | undefined {
  switch (matcherType) {
    case '':
      return undefined;
    case 'exact':
      return tenants.length === 0 ? undefined : matchesExactly(tenants);
    case 'glob': {
      let malformed = 0;
      const matches = matchesPattern(tenants, () => (malformed += 1));
      return malformed === tenants.length ? undefined : matches;
    }
    default:
      throw invalid(name, `override has unknown tenant_matcher_type ${quote(matcherType)}, must be exact or glob`);
  }
}

function firstRepeated(texts: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return texts.find((text) => seen.size === seen.add(text).size);
}

function invalid(name: string, found: string): HashringError {
  return new HashringError('HASHRING_INVALID', `Cannot build hashring ${quote(name)}: ${found}`);
}

/** With the text that Thanos has, which operators know. */
function sameText(message: string): HashringError {
  return new HashringError('HASHRING_INVALID', message);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
