import { prepareGoRandom } from './go-random.js';
import type { Endpoint } from './hashring-config.js';
import { KetamaRing } from './ketama-ring.js';
import { pointsOfSome, sectionsOf } from './ketama-sections.js';
import type { Ring } from './ring.js';
import { shardOf, zoneLayout, type ZoneLayout } from './shuffle-shard.js';
import type { TenantMatcher } from './tenant-matcher.js';

export interface ShuffleShardingOptions {
  readonly defaultSize: number;
  /** The first that matches a tenant gives it its size. */
  readonly overrides: readonly { readonly size: number; readonly matches: TenantMatcher }[];
  readonly zoneAware: boolean;
  /** Tenants whose shard is remembered; beyond that the least recently asked for goes. */
  readonly cachedTenantsMax: number;
}

/** How often shards of a hashring were asked for and found, since the configuration was loaded. */
export interface ShuffleCacheStats {
  /** Not unique: unnamed hashrings share the empty name. */
  readonly hashring: string;
  readonly requests: number;
  readonly hits: number;
  readonly evicted: number;
  readonly items: number;
  readonly maxItems: number;
}

/** Gives each tenant a ring of its own, over a few of the endpoints. */
export class ShuffleSharding {
  readonly #whole: KetamaRing;
  readonly #points: Uint32Array;
  readonly #layout: ZoneLayout;
  readonly #options: ShuffleShardingOptions;
  /** By tenant, the least recently used first. */
  readonly #cache = new Map<string, Shard>();
  /** By their members: tenants with the same endpoints share a ring, and whatever its users keep for it. */
  readonly #shards = new Map<string, Shard>();
  #requests = 0;
  #hits = 0;
  #evicted = 0;

  /** @param points those of the ring's endpoints */
  constructor(whole: KetamaRing, points: Uint32Array, options: ShuffleShardingOptions) {
    this.#whole = whole;
    this.#points = points;
    this.#layout = zoneLayout(whole.endpoints, options.zoneAware);
    this.#options = options;
    prepareGoRandom();
  }

  /** The same object while the tenant is in the cache; an evicted ring stays valid for those who hold it. */
  forTenant(tenant: string): Ring {
    this.#requests += 1;
    let shard = this.#cache.get(tenant);
    if (shard) {
      this.#hits += 1;
      this.#cache.delete(tenant);
    } else {
      shard = this.#share(tenant);
      if (this.#cache.size >= this.#options.cachedTenantsMax) this.#evictOldest();
    }
    this.#cache.set(tenant, shard);
    return shard.ring;
  }

  stats(): ShuffleCacheStats {
    return {
      hashring: this.#whole.name,
      requests: this.#requests,
      hits: this.#hits,
      evicted: this.#evicted,
      items: this.#cache.size,
      maxItems: this.#options.cachedTenantsMax,
    };
  }

  #share(tenant: string): Shard {
    const { defaultSize, overrides } = this.#options;
    const size = overrides.find(({ matches }) => matches(tenant))?.size ?? defaultSize;
    const members = shardOf(this.#whole, this.#layout, tenant, size);
    const key = members.join();
    const shard = this.#shards.get(key) ?? { key, ring: this.#ringOf(members), tenants: 0 };
    shard.tenants += 1;
    this.#shards.set(key, shard);
    return shard;
  }

  #ringOf(members: readonly number[]): Ring {
    const { name, endpoints, replicationFactor } = this.#whole;
    if (members.length === endpoints.length) return this.#whole;
    return new KetamaRing(
      name,
      members.map((index) => endpoints[index] as Endpoint),
      replicationFactor,
      sectionsOf(pointsOfSome(this.#points, members)),
    );
  }

  #evictOldest(): void {
    const [tenant, shard] = this.#cache.entries().next().value as [string, Shard];
    this.#cache.delete(tenant);
    this.#evicted += 1;
    shard.tenants -= 1;
    if (shard.tenants === 0) this.#shards.delete(shard.key);
  }
}

interface Shard {
  readonly key: string;
  readonly ring: Ring;
  /** Cached tenants that have it. */
  tenants: number;
}
