import { buildRing, newRingBudget, type Algorithm } from './build-ring.js';
import { HashringError } from './error.js';
import type { HashringConfig } from './hashring-config.js';
import type { Ring } from './ring.js';
import type { ShuffleCacheStats, ShuffleSharding } from './shuffle-sharding.js';
import { matchesAll, matchesExactly, matchesPattern, type TenantMatcher } from './tenant-matcher.js';

export type { Algorithm };

export interface HashringOptions {
  /** For hashrings that name none. */
  readonly algorithm: Algorithm;
  readonly replicationFactor: number;
}

/** Tenants whose hashring is remembered. Beyond that the oldest is looked up again. */
export const cachedTenantsMax = 10_000;

/** All hashrings of a configuration, ready for lookups. Immutable but for caches. */
export class Hashrings {
  /** In file order, each with all its endpoints, also where a tenant's shard has but a few of them. */
  readonly rings: readonly Ring[];
  /** How many tenant names or patterns each ring lists, by position. */
  readonly tenantCounts: readonly number[];
  readonly #entries: readonly Entry[];
  readonly #cache = new Map<string, Entry | undefined>();

  constructor(entries: readonly Entry[]) {
    this.rings = entries.map(({ ring }) => ring);
    this.tenantCounts = entries.map(({ config }) => config.tenants.length);
    this.#entries = entries;
  }

  /**
   * The ring of the first hashring that takes the tenant, or of the tenant's shard in it; undefined when none takes it. The same
   * object for the same tenant, as long as the caches hold, so that users may keep what they derive from a ring.
   */
  forTenant(tenant: string): Ring | undefined {
    const entry = this.#entryOf(tenant);
    return entry?.shuffleSharding ? entry.shuffleSharding.forTenant(tenant) : entry?.ring;
  }

  /**
   * External labels for the blocks of a tenant (spec/receive.md 7.10): those of the first hashring that lists the name letter for
   * letter. Neither a pattern that matches it nor a hashring for all tenants counts.
   */
  externalLabelsOf(tenant: string): ReadonlyMap<string, string> {
    return this.#entries.find(({ config }) => config.tenants.includes(tenant))?.config.externalLabels ?? new Map();
  }

  /** Of each hashring with shuffle sharding, in file order. */
  shuffleCaches(): readonly ShuffleCacheStats[] {
    return this.#entries.flatMap(({ shuffleSharding }) => shuffleSharding?.stats() ?? []);
  }

  #entryOf(tenant: string): Entry | undefined {
    if (this.#cache.has(tenant)) return this.#cache.get(tenant);
    const entry = this.#entries.find(({ matches }) => matches(tenant));
    // Tenants are named by clients: without a bound, made-up names would fill the memory.
    if (this.#cache.size >= cachedTenantsMax) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(tenant, entry);
    return entry;
  }
}

interface Entry {
  readonly config: HashringConfig;
  readonly ring: Ring;
  readonly shuffleSharding: ShuffleSharding | undefined;
  readonly matches: TenantMatcher;
}

/**
 * Builds every ring, so that whatever is wrong shows when the file is loaded and not when a series meets it.
 * @throws HashringError HASHRING_INVALID
 */
export function buildHashrings(configs: readonly HashringConfig[], options: HashringOptions): Hashrings {
  const budget = newRingBudget();
  return new Hashrings(
    configs.map((config) => ({
      config,
      ...buildRing(config, { ...options, budget }),
      matches: tenantMatcher(config),
    })),
  );
}

function tenantMatcher({ name, tenants, matcherType }: HashringConfig): TenantMatcher {
  switch (matcherType) {
    case '':
    case 'exact':
      return tenants.length === 0 ? matchesAll : matchesExactly(tenants);
    case 'glob': {
      const matches = matchesPattern(tenants, (pattern) => {
        throw new HashringError(
          'HASHRING_INVALID',
          `Cannot build hashring ${JSON.stringify(name)}: syntax error in pattern ${JSON.stringify(pattern)}`,
        );
      });
      return tenants.length === 0 ? matchesAll : matches;
    }
    default:
      throw new HashringError(
        'HASHRING_INVALID',
        `Cannot build hashring ${JSON.stringify(name)}: unknown tenant_matcher_type ${JSON.stringify(matcherType)}, must be exact or glob`,
      );
  }
}
