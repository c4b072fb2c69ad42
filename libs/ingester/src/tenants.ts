import { setMaxListeners } from 'node:events';
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
  openDatabase(tenant: string, signal: AbortSignal): Promise<Tsdb>;
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
  /** Databases opened, or flushed, at the same time. */
  readonly concurrency?: number;
  /** Any name in a request's header makes a tenant; each costs a file, a kernel's memory and three timers. */
  readonly tenantsMax?: number;
}

export interface Tenant {
  readonly name: string;
  readonly database: Tsdb;
  readonly shipper: Shipper | undefined;
}

const concurrencyDefault = 4;
const tenantsMaxDefault = 10_000;
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
    // Every loop of every tenant waits on this one signal.
    setMaxListeners(0, this.#stopping.signal);
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
    const { store, log } = this.#options;
    const names = [...new Set([...also, ...(await store.list())])];
    await this.#each(names, async (name) => {
      if (this.#state === 'opening') await this.#openOnce(name);
    });
    if (this.#state !== 'opening') return;
    this.#state = 'ready';
    log.info('databases are open', { tenants: names.length });
  }

  async open(tenant: string): Promise<Tsdb> {
    const found = this.#open.get(tenant);
    if (found !== undefined) return found.database;
    if (this.#state !== 'ready')
      throw new WriteFailedError(
        'unavailable',
        `Cannot open database of tenant ${tenant}: the ingester is ${this.#state}`,
        'ingester',
      );
    const tenantsMax = this.#options.tenantsMax ?? tenantsMaxDefault;
    if (!this.#opening.has(tenant) && this.#open.size + this.#opening.size >= tenantsMax) {
      throw new WriteFailedError(
        'overloaded',
        `Cannot open database of tenant ${tenant}: ${tenantsMax} are open already`,
      );
    }
    return this.#openOnce(tenant);
  }

  /** Does some work for each, a few at a time. */
  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = items.values();
    const worker = async (): Promise<void> => {
      for (const item of queue) await work(item);
    };
    await Promise.all(Array.from({ length: this.#options.concurrency ?? concurrencyDefault }, worker));
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
    const database = await store.openDatabase(name, this.#stopping.signal);
    const tenant: Tenant = { name, database, shipper: store.openShipper(name) };
    if (this.#state === 'stopping' || this.#state === 'closed') {
      await database.close();
      throw new WriteFailedError(
        'unavailable',
        `Cannot open database of tenant ${name}: the ingester is ${this.#state}`,
        'ingester',
      );
    }
    this.#open.set(name, tenant);
    this.#startLoops(tenant);
    log.info('database is open', { tenant: name, series: database.head.seriesCount, blocks: database.blocks.length });
    return database;
  }

  #startLoops(tenant: Tenant): void {
    const { blockRangeMs, random } = this.#options;
    // A random start spreads the work of many tenants (spec/receive.md F05).
    this.#loop(
      tenant,
      'cut',
      { firstMs: random() * (blockRangeMs / 10), everyMs: blockRangeMs },
      async () => void (await tenant.database.cutIfDue()),
    );
    this.#loop(tenant, 'retention', { firstMs: retentionIntervalMs, everyMs: retentionIntervalMs }, () =>
      this.#retain(tenant),
    );
    if (tenant.shipper !== undefined)
      this.#loop(tenant, 'ship', { firstMs: 0, everyMs: shipIntervalMs }, () => this.#ship(tenant));
  }

  /** Repeats `work` until the ingester stops. A failure is logged and the work tried again at its next turn. */
  #loop(
    tenant: Tenant,
    name: string,
    { firstMs, everyMs }: { firstMs: number; everyMs: number },
    work: () => Promise<void>,
  ): void {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    const run = async (): Promise<void> => {
      for (let delayMs = firstMs; !signal.aborted; delayMs = everyMs) {
        await clock.sleep(delayMs, signal).catch(() => {});
        if (signal.aborted) return;
        await work().catch((error: unknown) =>
          log.error('background work failed', { tenant: tenant.name, work: name, error: messageOf(error) }),
        );
      }
    };
    const running = run().finally(() => this.#loops.delete(running));
    this.#loops.add(running);
  }

  async #retain({ name, database, shipper }: Tenant): Promise<void> {
    const deleted = await database.applyRetention(await shipper?.uploadedBlocks());
    for (const id of deleted)
      this.#options.log.info('block is over the retention time and deleted', { tenant: name, block: id });
  }

  async #ship({ name, shipper }: Tenant, signal: AbortSignal = this.#stopping.signal): Promise<void> {
    const { uploaded, failed } = await shipper!.sync(AbortSignal.any([signal, AbortSignal.timeout(shipPassMsMax)]));
    if (uploaded > 0) this.#options.log.info('blocks are in the bucket', { tenant: name, uploaded });
    if (failed > 0) this.#options.log.warn('blocks could not be uploaded', { tenant: name, failed });
  }

  /**
   * Stops the loops, cuts what the heads hold into blocks, closes the databases, uploads the blocks. No write may come any more. A tenant that
   * fails does not keep the others from it; its data stays in its log.
   * @param graceMs after which uploads are given up
   */
  async stop(graceMs: number): Promise<void> {
    const { log } = this.#options;
    this.#state = 'stopping';
    this.#stopping.abort(new Error('the ingester is stopping'));
    await Promise.allSettled([...this.#loops, ...this.#opening.values()]);
    const fails =
      (message: string, { name }: Tenant) =>
      (error: unknown): void =>
        log.error(message, { tenant: name, error: messageOf(error) });
    await this.#each(this.all(), async (tenant) => {
      await tenant.database.flush().catch(fails('flush failed, the samples stay in the log', tenant));
      // Before the uploads, which may take long: from here on the process may be killed.
      await tenant.database.close().catch(fails('close failed', tenant));
    });
    const grace = AbortSignal.timeout(graceMs);
    const shipped = this.all().filter(({ shipper }) => shipper !== undefined);
    if (shipped.length > 0)
      log.info('databases are closed, uploading what is not in the bucket', { tenants: shipped.length });
    await this.#each(shipped, (tenant) =>
      this.#ship(tenant, grace).catch(fails('last upload failed, the blocks stay on disk', tenant)),
    );
    this.#open.clear();
    this.#state = 'closed';
  }
}
