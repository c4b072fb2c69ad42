import { HashringError } from './error.js';
import { compileGlob } from './glob.js';
import { HashmodRing } from './hashmod-ring.js';
import type { Endpoint, HashringConfig } from './hashring-config.js';
import { KetamaRing } from './ketama-ring.js';
import { endpointsMax, type Ring } from './ring.js';

export type Algorithm = 'hashmod' | 'ketama';

export interface HashringOptions {
  /** For hashrings that name none. */
  readonly algorithm: Algorithm;
  readonly replicationFactor: number;
}

/** Tenants whose hashring is remembered. Beyond that the oldest is looked up again. */
export const cachedTenantsMax = 10_000;

/** All hashrings of a configuration, ready for lookups. Immutable but for a cache. */
export class Hashrings {
  /** In file order. */
  readonly rings: readonly Ring[];
  /** How many tenant names or patterns each ring lists, by position. */
  readonly tenantCounts: readonly number[];
  readonly #matchers: readonly ((tenant: string) => boolean)[];
  readonly #cache = new Map<string, Ring | undefined>();

  constructor(
    entries: readonly {
      readonly ring: Ring;
      readonly tenantCount: number;
      readonly matches: (tenant: string) => boolean;
    }[],
  ) {
    this.rings = entries.map(({ ring }) => ring);
    this.tenantCounts = entries.map(({ tenantCount }) => tenantCount);
    this.#matchers = entries.map(({ matches }) => matches);
  }

  /** The first hashring that takes the tenant; undefined when none does. */
  forTenant(tenant: string): Ring | undefined {
    if (this.#cache.has(tenant)) return this.#cache.get(tenant);
    const ring = this.rings[this.#matchers.findIndex((matches) => matches(tenant))];
    // Tenants are named by clients: without a bound, made-up names would fill the memory.
    if (this.#cache.size >= cachedTenantsMax) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(tenant, ring);
    return ring;
  }
}

/**
 * Builds every ring, so that whatever is wrong shows when the file is loaded and not when a series meets it.
 * @throws HashringError HASHRING_INVALID or HASHRING_UNSUPPORTED
 */
export function buildHashrings(configs: readonly HashringConfig[], options: HashringOptions): Hashrings {
  return new Hashrings(
    configs.map((config) => ({
      ring: buildRing(config, options),
      tenantCount: config.tenants.length,
      matches: tenantMatcher(config),
    })),
  );
}

function buildRing({ name, endpoints, algorithm, shuffleSharding }: HashringConfig, options: HashringOptions): Ring {
  const { replicationFactor } = options;
  const effective = algorithm === '' ? options.algorithm : algorithm;
  if (effective !== 'hashmod' && effective !== 'ketama') {
    throw invalid(
      `Cannot build hashring ${quote(name)}: unknown algorithm ${quote(effective)}, must be hashmod or ketama`,
    );
  }
  if (endpoints.length > endpointsMax)
    throw invalid(`Cannot build hashring ${quote(name)}: ${endpoints.length} endpoints are more than ${endpointsMax}`);
  const { shardSize } = shuffleSharding;
  if (effective === 'hashmod') {
    if (endpoints.some(({ zone }) => zone !== '')) {
      throw invalid(
        'Hashmod algorithm does not support AZ aware hashring configuration. Either use Ketama or remove AZ configuration.',
      );
    }
    if (shardSize > 0) {
      throw invalid(
        'hashmod algorithm does not support shuffle sharding. Either use Ketama or remove shuffle sharding configuration',
      );
    }
    if (endpoints.length < Math.max(1, replicationFactor)) {
      throw invalid(
        `Cannot build hashring ${quote(name)}: insufficient nodes; have ${endpoints.length}, want ${replicationFactor}`,
      );
    }
    return new HashmodRing(name, endpoints, replicationFactor);
  }
  if (shardSize > endpoints.length)
    throw invalid(`shard size ${shardSize} is larger than number of nodes in hashring ${name} (${endpoints.length})`);
  if (endpoints.length < Math.max(1, replicationFactor))
    throw invalid('ketama: amount of endpoints needs to be larger than replication factor');
  if (shardSize > 0) {
    throw new HashringError(
      'HASHRING_UNSUPPORTED',
      `Cannot build hashring ${quote(name)}: shuffle_sharding_config.shard_size is not supported yet`,
    );
  }
  const replicasMax = zoneReplicasMax(endpoints);
  if (replicationFactor > replicasMax) {
    throw invalid(
      `Cannot build hashring ${quote(name)}: its zones can hold ${replicasMax} replicas, not ${replicationFactor}`,
    );
  }
  return new KetamaRing(name, endpoints, replicationFactor);
}

/** Replicas rotate over the zones, so no zone takes more than one beyond what the smallest can. */
function zoneReplicasMax(endpoints: readonly Endpoint[]): number {
  const sizes = new Map<string, number>();
  for (const { zone } of endpoints) sizes.set(zone, (sizes.get(zone) ?? 0) + 1);
  const smallest = Math.min(...sizes.values());
  return [...sizes.values()].reduce((sum, size) => sum + (sizes.size === 1 ? size : Math.min(size, smallest + 1)), 0);
}

function tenantMatcher({ name, tenants, matcherType }: HashringConfig): (tenant: string) => boolean {
  switch (matcherType) {
    case '':
    case 'exact': {
      const names = new Set(tenants);
      return tenants.length === 0 ? () => true : (tenant) => names.has(tenant);
    }
    case 'glob': {
      const globs = tenants.map((pattern) => {
        const glob = compileGlob(pattern);
        if (!glob) throw invalid(`Cannot build hashring ${quote(name)}: syntax error in pattern ${quote(pattern)}`);
        return glob;
      });
      return tenants.length === 0 ? () => true : (tenant) => globs.some((matches) => matches(tenant));
    }
    default:
      throw invalid(
        `Cannot build hashring ${quote(name)}: unknown tenant_matcher_type ${quote(matcherType)}, must be exact or glob`,
      );
  }
}

function invalid(message: string): HashringError {
  return new HashringError('HASHRING_INVALID', message);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
