import { messageOf, secondMs, type Clock, type Log } from '@gauntlet/base';
import type { Tsdb } from '@gauntlet/tsdb';
import type { Shipper } from '@gauntlet/shipper';
import { WriteFailedError } from './verdict.js';
import type { TenantDatabases } from './write-service.js';

/** What makes and finds tenants' databases; the disk behind it is the caller's. */
export interface TenantStore {
  /** Names of the tenants that have a directory. */
  list(): Promise<string[]>;
  /** Opens the tenant's directory, making it when it is not there. */
  openDatabase(tenant: string): Promise<Tsdb>;
  /** Undefined when no bucket is configured. */
  openShipper(tenant: string): Shipper | undefined;
}

export interface TenantsOptions {
  readonly store: TenantStore;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** How long a block is; also how often the head is looked at for cutting. */
  readonly blockRangeMs: number;
  /** Databases opened at the same time at the start. */
  readonly openConcurrency?: number;
}

export interface Tenant {
  readonly name: string;
  readonly database: Tsdb;
  readonly shipper: Shipper | undefined;
}

const shipIntervalMs = 30 * secondMs;
/** One pass of the shipper; the next one goes on where it stopped (spec/receive.md 7.8). */
const shipPassMsMax = 600 * secondMs;
const retentionIntervalMs = 60 * secondMs;

/**
 * The tenants of an ingester: opened at the start and at the first write, kept in shape by their loops (cutting, shipping, retention),
 * flushed and closed at the end.
 *
 * States: `opening` -> `ready` -> `stopping` -> `closed`. Writes are taken in `ready` only.
 */
export class Tenants implements TenantDatabases {
  readonly #options: TenantsOptions;
  readonly #open = new Map<string, Tenant>();
  readonly #opening = new Map<string, Promise<Tsdb>>();
  readonly #loops = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #state: 'opening' | 'ready' | 'stopping' | 'closed' = 'opening';

  constructor(options: TenantsOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#state === 'ready';
  }

  get state(): 'opening' | 'ready' | 'stopping' | 'closed' {
    return this.#state;
  }

  /** The open tenants, in the order of their opening. */
  all(): Tenant[] {
    return [...this.#open.values()];
  }

  get(tenant: string): Tsdb | undefined {
    return this.#open.get(tenant)?.database;
  }

  /**
   * Opens every tenant that has a directory, and the ones named. From then on writes are taken.
   * @throws when one cannot be opened: an ingester without some of its data must not look healthy
   */
  async openAll(also: readonly string[]): Promise<void> {
    const { store, log, openConcurrency = 4 } = this.#options;
    const names = [...new Set([...also, ...(await store.list())])];
    const queue = names.values();
    const worker = async (): Promise<void> => {
      for (const name of queue) if (this.#state === 'opening') await this.#openOnce(name);
    };
    await Promise.all(Array.from({ length: openConcurrency }, worker));
    if (this.#state !== 'opening') return;
    this.#state = 'ready';
    log.info('databases are open', { tenants: names.length });
  }

  async open(tenant: string): Promise<Tsdb> {
    const found = this.#open.get(tenant);
    if (found !== undefined) return found.database;
    if (this.#state !== 'ready') throw new WriteFailedError('unavailable', `Cannot open database of tenant ${tenant}: the ingester is ${this.#state}`);
    return this.#openOnce(tenant);
  }

  #openOnce(name: string): Promise<Tsdb> {
    const underway = this.#opening.get(name);
    if (underway !== undefined) return underway;
    const opening = this.#openTenant(name).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  async #openTenant(name: string): Promise<Tsdb> {
    const { store, log } = this.#options;
    const database = await store.openDatabase(name);
    const tenant: Tenant = { name, database, shipper: store.openShipper(name) };
    if (this.#state === 'stopping' || this.#state === 'closed') {
      await database.close();
      throw new WriteFailedError('unavailable', `Cannot open database of tenant ${name}: the ingester is ${this.#state}`);
    }
    this.#open.set(name, tenant);
    this.#startLoops(tenant);
    log.info('database is open', { tenant: name, series: database.head.seriesCount, blocks: database.blocks.length });
    return database;
  }

  #startLoops(tenant: Tenant): void {
    const { blockRangeMs, random } = this.#options;
    // A random start spreads the work of many tenants (spec/receive.md F05).
    this.#loop(tenant, 'cut', { firstMs: random() * (blockRangeMs / 10), everyMs: blockRangeMs }, async () => void (await tenant.database.cutIfDue()));
    this.#loop(tenant, 'retention', { firstMs: retentionIntervalMs, everyMs: retentionIntervalMs }, () => this.#retain(tenant));
    if (tenant.shipper !== undefined) this.#loop(tenant, 'ship', { firstMs: 0, everyMs: shipIntervalMs }, () => this.#ship(tenant));
  }

  /** Repeats `work` until the ingester stops. A failure is logged and the work tried again at its next turn. */
  #loop(tenant: Tenant, name: string, { firstMs, everyMs }: { firstMs: number; everyMs: number }, work: () => Promise<void>): void {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    const run = async (): Promise<void> => {
      for (let delayMs = firstMs; !signal.aborted; delayMs = everyMs) {
        await clock.sleep(delayMs, signal).catch(() => {});
        if (signal.aborted) return;
        await work().catch((error: unknown) => log.error('background work failed', { tenant: tenant.name, work: name, error: messageOf(error) }));
      }
    };
    const running = run().finally(() => this.#loops.delete(running));
    this.#loops.add(running);
  }

  async #retain({ name, database, shipper }: Tenant): Promise<void> {
    const deleted = await database.applyRetention(await shipper?.uploadedBlocks());
    for (const id of deleted) this.#options.log.info('block is over the retention time and deleted', { tenant: name, block: id });
  }

  async #ship({ name, shipper }: Tenant, signal: AbortSignal = this.#stopping.signal): Promise<void> {
    const { uploaded, failed } = await shipper!.sync(AbortSignal.any([signal, AbortSignal.timeout(shipPassMsMax)]));
    if (uploaded > 0) this.#options.log.info('blocks are in the bucket', { tenant: name, uploaded });
    if (failed > 0) this.#options.log.warn('blocks could not be uploaded', { tenant: name, failed });
  }

  /**
   * Stops the loops, cuts what the heads hold into blocks, uploads them, closes the databases. No write may come any more. A tenant that
   * fails does not keep the others from it; its data stays in its log.
   * @param graceMs after which uploads are given up
   */
  async stop(graceMs: number): Promise<void> {
    const { log } = this.#options;
    this.#state = 'stopping';
    this.#stopping.abort(new Error('the ingester is stopping'));
    await Promise.allSettled([...this.#loops, ...this.#opening.values()]);
    const grace = AbortSignal.timeout(graceMs);
    for (const tenant of this.#open.values()) {
      await tenant.database.flush().catch((error: unknown) => log.error('flush failed, the samples stay in the log', { tenant: tenant.name, error: messageOf(error) }));
    }
    await Promise.all(
      this.all().map(async (tenant) => {
        if (tenant.shipper === undefined) return;
        await this.#ship(tenant, grace).catch((error: unknown) => log.error('last upload failed, the blocks stay on disk', { tenant: tenant.name, error: messageOf(error) }));
      }),
    );
    for (const tenant of this.#open.values()) {
      await tenant.database.close().catch((error: unknown) => log.error('close failed', { tenant: tenant.name, error: messageOf(error) }));
    }
    this.#open.clear();
    this.#state = 'closed';
  }
}
