import { setMaxListeners } from 'node:events';
import { messageOf, type Clock, type Log } from '@gauntlet/base';
import type { Shipper } from '@gauntlet/shipper';
import type { Tsdb } from '@gauntlet/tsdb';
import { eachAtOnce } from './each-at-once.js';
import { Tenant, type TenantStore } from './tenant.js';
import { WriteFailedError } from './verdict.js';
import type { TenantDatabases } from './write-groups.js';

export interface TenantsOptions {
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a block is. */
  readonly blockRangeMs: number;
  /** 0 keeps everything. */
  readonly retentionMs: number;
  /** Whether databases keep exemplars. */
  readonly keepsExemplars?: boolean;
  /** Databases opened, or flushed, at the same time. */
  readonly concurrency?: number;
  /** Any name in a request's header makes a tenant; an open one costs a file and a kernel's memory. */
  readonly tenantsMax?: number;
  /** Why no more may be opened for writes now, when memory is short. */
  readonly refusalToOpen?: (tenant: string) => WriteFailedError | undefined;
}

/** A tenant whose database is open. */
export interface OpenTenant {
  readonly name: string;
  readonly database: Tsdb;
  readonly shipper: Shipper | undefined;
}

/** How many tenants are in which state. */
export interface TenantCounts {
  readonly open: number;
  /** Of those: with a log that is still being replayed. */
  readonly replaying: number;
  readonly dormant: number;
  /** Dormant ones that could not be opened. */
  readonly failing: number;
}

const concurrencyDefault = 4;
const tenantsMaxDefault = 10_000;
/** Tenants that have a directory, for each that may be open. */
const knownFactor = 10;

/**
 * The tenants of an ingester. Writes are taken from the start: a tenant that is not open is opened by its first write, and those that have something in their
 * log are opened anyway. What keeps them in shape is `Upkeep`.
 *
 * States: `taking writes` -> `stopping` -> `closed`.
 */
export class Tenants implements TenantDatabases {
  readonly #options: TenantsOptions;
  readonly #tenants = new Map<string, Tenant>();
  readonly #stopping = new AbortController();
  #state: 'taking writes' | 'stopping' | 'closed' = 'taking writes';
  #starting: Promise<void> = Promise.resolve();
  /** Opens that failed, of tenants that are gone too. */
  #openFailuresBefore = 0;
  removed = 0;

  constructor(options: TenantsOptions) {
    this.#options = options;
    // Databases that are being opened all wait on this one signal.
    setMaxListeners(0, this.#stopping.signal);
  }

  get ready(): boolean {
    return this.#state === 'taking writes';
  }

  get state(): 'taking writes' | 'stopping' | 'closed' {
    return this.#state;
  }

  get keepsExemplars(): boolean {
    return this.#options.keepsExemplars ?? false;
  }

  /** Every tenant known, open or not. */
  known(): Iterable<Tenant> {
    return this.#tenants.values();
  }

  /** The open tenants, in the order in which they became known. */
  all(): OpenTenant[] {
    const open: OpenTenant[] = [];
    for (const { name, database, shipper } of this.#tenants.values())
      if (database !== undefined) open.push({ name, database, shipper });
    return open;
  }

  get counts(): TenantCounts {
    let [open, replaying, dormant, failing] = [0, 0, 0, 0];
    for (const { database, failure } of this.#tenants.values()) {
      if (database === undefined) dormant += 1;
      else open += 1;
      if (database?.state === 'replaying') replaying += 1;
      if (failure !== undefined) failing += 1;
    }
    return { open, replaying, dormant, failing };
  }

  get openFailures(): number {
    let sum = this.#openFailuresBefore;
    for (const { openFailures } of this.#tenants.values()) sum += openFailures;
    return sum;
  }

  get(tenant: string): Tsdb | undefined {
    return this.#tenants.get(tenant)?.databaseForWrite();
  }

  /**
   * Finds the tenants that have a directory, and opens those among them that have something in their log, and the ones named. Writes need not wait for it.
   * Resolves when all of them are open; one that cannot be is logged, and tried again later.
   */
  start(also: readonly string[]): Promise<void> {
    this.#starting = this.#start(also).catch((error: unknown) =>
      this.#options.log.error('tenants could not be listed', { error: messageOf(error) }),
    );
    return this.#starting;
  }

  async #start(also: readonly string[]): Promise<void> {
    const { store, log, concurrency = concurrencyDefault } = this.#options;
    const names = new Set([...also, ...(await store.list())]);
    for (const name of names) this.#add(name);
    await eachAtOnce(names, concurrency, async (name) => {
      if (!this.ready) return;
      try {
        // Its first write may have been faster, and retention too.
        const tenant = this.#add(name);
        if (tenant.state.kind === 'dormant') await tenant.look();
        const isWanted = also.includes(name) || (tenant.state.kind === 'dormant' && (await store.hasLog(name)));
        if (isWanted) await this.#openIdle(name, () => {});
      } catch (error) {
        if (!(error instanceof WriteFailedError))
          log.error('tenant could not be looked at', { tenant: name, error: messageOf(error) });
      }
    });
    if (this.ready) log.info('tenants are found', { ...this.counts });
  }

  #add(name: string): Tenant {
    let tenant = this.#tenants.get(name);
    if (tenant === undefined) {
      const { store, clock, log, blockRangeMs, retentionMs } = this.#options;
      const stopping = this.#stopping.signal;
      tenant = new Tenant(name, { store, clock, log, blockRangeMs, retentionMs, stopping });
      this.#tenants.set(name, tenant);
    }
    return tenant;
  }

  open(name: string): Promise<Tsdb> {
    return this.#openIdle(name, () => this.#admit(name));
  }

  /** Opens the tenant, once it is not closing and the like. `admit` may refuse by throwing. */
  async #openIdle(name: string, admit: () => void): Promise<Tsdb> {
    for (;;) {
      if (!this.ready)
        throw new WriteFailedError(
          'unavailable',
          `Cannot open database of tenant ${name}: the ingester is ${this.#state}`,
          'ingester',
        );
      const state = this.#tenants.get(name)?.state ?? { kind: 'dormant' };
      switch (state.kind) {
        case 'open':
          return state.database;
        case 'opening':
          return state.opened;
        case 'busy':
          // Looked up again afterwards: a removed tenant's place is taken by a new one.
          await state.done;
          break;
        case 'dormant':
          admit();
          return this.#add(name).open();
      }
    }
  }

  /** @throws WriteFailedError when no more databases may be opened */
  #admit(name: string): void {
    const { tenantsMax = tenantsMaxDefault, refusalToOpen } = this.#options;
    const refusal = refusalToOpen?.(name);
    if (refusal !== undefined) throw refusal;
    let open = 0;
    for (const { state } of this.#tenants.values()) if (state.kind !== 'dormant') open += 1;
    if (open >= tenantsMax)
      throw new WriteFailedError(
        'overloaded',
        `Cannot open database of tenant ${name}: ${tenantsMax} are open already`,
      );
    if (!this.#tenants.has(name) && this.#tenants.size >= tenantsMax * knownFactor)
      throw new WriteFailedError(
        'overloaded',
        `Cannot open database of tenant ${name}: there are ${this.#tenants.size} tenants already`,
      );
  }

  /** Applies retention to a dormant tenant. One whose directory is gone is forgotten. */
  async tidy(tenant: Tenant): Promise<void> {
    // In the turn in which the removal ends: whoever waits for the tenant looks it up again afterwards.
    if (!(await tenant.tidy()) || tenant.state.kind !== 'dormant' || this.#tenants.get(tenant.name) !== tenant) return;
    this.#openFailuresBefore += tenant.openFailures;
    this.#tenants.delete(tenant.name);
    this.removed += 1;
  }

  /**
   * Cuts what the heads hold into blocks, closes the databases, uploads the blocks. No write may come any more. A tenant that
   * fails does not keep the others from it; its data stays in its log.
   * @param graceMs after which uploads are given up
   */
  async stop(graceMs: number): Promise<void> {
    const { log, concurrency = concurrencyDefault } = this.#options;
    this.#state = 'stopping';
    this.#stopping.abort(new Error('the ingester is stopping'));
    await this.#starting;
    await eachAtOnce(this.#tenants.values(), concurrency, (tenant) => tenant.stop());
    const shipped = [...this.#tenants.values()].filter(({ shipper }) => shipper !== undefined);
    if (shipped.length > 0)
      log.info('databases are closed, uploading what is not in the bucket', { tenants: shipped.length });
    const grace = AbortSignal.timeout(graceMs);
    await eachAtOnce(shipped, concurrency, (tenant) =>
      tenant
        .ship(grace)
        .catch((error: unknown) =>
          log.error('last upload failed, the blocks stay on disk', { tenant: tenant.name, error: messageOf(error) }),
        ),
    );
    this.#tenants.clear();
    this.#state = 'closed';
  }
}
