import { invariant, messageOf, minuteMs, secondMs, type Clock, type Log } from '@gauntlet/base';
import type { Shipper } from '@gauntlet/shipper';
import type { BlockMeta } from '@gauntlet/block';
import type { SeriesStore } from '@gauntlet/select';
import { LocalBlocks, type Tsdb } from '@gauntlet/tsdb';
import { isIdle, isRemovable, type ClosedTenant } from './idle-tenant.js';
import { WriteFailedError } from './verdict.js';

/** What makes and finds tenants' databases; the disk behind it is the caller's. */
export interface TenantStore {
  /** Names of the tenants that have a directory. */
  list(): Promise<string[]>;
  /** Opens the tenant's directory, making it when it is not there. */
  openDatabase(tenant: string): Promise<Tsdb>;
  /** The blocks in the directory of a closed tenant. */
  listBlocks(tenant: string): Promise<readonly BlockMeta[]>;
  /** Reads the blocks of a closed tenant. */
  readBlocks(tenant: string, blocks: LocalBlocks): SeriesStore;
  /** Undefined when no bucket is configured. */
  openShipper(tenant: string): Shipper | undefined;
  /** Whether the directory of a closed tenant may hold samples that are in no block. */
  hasLog(tenant: string): Promise<boolean>;
  /** Empties the log of a tenant whose head was empty when it was closed. */
  forgetLog(tenant: string): Promise<void>;
  /** Applies retention to the blocks of a closed tenant. */
  tidy(tenant: string, uploaded: ReadonlySet<string> | undefined): Promise<TidiedTenant>;
  /** Removes the directory: all of it or, after a crash, the rest at the next start. */
  remove(tenant: string): Promise<void>;
}

/** A closed tenant's directory after retention. */
export interface TidiedTenant extends Omit<ClosedTenant, 'hasLog'> {
  /** Those that are left, by start. */
  readonly blocks: readonly BlockMeta[];
  readonly deleted: readonly string[];
  /** Blocks over a limit that are not in the bucket. */
  readonly heldBack: readonly string[];
}

export interface TenantContext {
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly blockRangeMs: number;
  /** 0 keeps everything, directories of idle tenants included. */
  readonly retentionMs: number;
  /** Aborts when the ingester stops. */
  readonly stopping: AbortSignal;
}

/**
 * Where a tenant is in its life:
 *
 * - `dormant`: a directory, or only a name, without an open database. Costs an object.
 * - `opening`: its database is being opened; whoever needs it waits for the same promise.
 * - `open`: takes writes. Its log may still be replayed behind that.
 * - `busy`: is being closed, or tidied, which in the end removes its directory; then it is dormant, or open again. A write waits, and opens it.
 *
 * Moves: dormant -> opening -> open -> busy (closing) -> dormant; dormant -> busy (tidying) -> dormant.
 */
export type TenantState =
  | { readonly kind: 'dormant' }
  | { readonly kind: 'opening'; readonly opened: Promise<Tsdb> }
  | { readonly kind: 'open'; readonly database: Tsdb }
  | { readonly kind: 'busy'; readonly doing: 'closing' | 'tidying'; readonly done: Promise<void> };

/** Why a database could not be opened, and when it is worth another try. */
interface OpenFailure {
  readonly reason: string;
  readonly attempts: number;
  readonly retryMonotonicMs: number;
}

const retryMsMin = secondMs;
const retryMsMax = minuteMs;
/** Head ranges that one closing cuts at most before it looks again whether the tenant is still idle. */
const cutsMax = 100;

/** What can be read of a tenant at this moment. */
export interface ReadableTenant {
  readonly store: SeriesStore;
  /** By start. */
  readonly blocks: readonly BlockMeta[];
  /** Undefined for a dormant one: all it has is in blocks. */
  readonly database: Tsdb | undefined;
}

/** One tenant: its state, and the moves between states. Every move is claimed in the turn in which it was found to be due. */
export class Tenant {
  readonly name: string;
  /** Opens of the database that failed, and replays. */
  openFailures = 0;
  readonly #context: TenantContext;
  #isHeldBack = false;
  #state: TenantState = { kind: 'dormant' };
  /** From the moment it is open until it is dormant. */
  #database: Tsdb | undefined;
  #closedBlocks: readonly BlockMeta[] = [];
  #shipper: Shipper | undefined;
  #shipping = false;
  #failure: OpenFailure | undefined;
  #lastWriteMonotonicMs = 0;
  /** When a dormant tenant is looked at next; Unix milliseconds. */
  #tidyDueMs = -Infinity;

  constructor(name: string, context: TenantContext) {
    this.name = name;
    this.#context = context;
  }

  get state(): TenantState {
    return this.#state;
  }

  get database(): Tsdb | undefined {
    return this.#state.kind === 'open' ? this.#state.database : undefined;
  }

  /** Of an open tenant, and of a dormant one with blocks that may not be in the bucket. */
  get shipper(): Shipper | undefined {
    return this.#shipper;
  }

  /** Why it cannot be opened, if so. */
  get failure(): string | undefined {
    return this.#failure?.reason;
  }

  /** Over a limit of retention, because blocks that should go are not in the bucket yet. */
  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  /** What a read finds in this turn; it stays readable for a call that has begun, whatever becomes of the tenant. */
  get readable(): ReadableTenant {
    const database = this.#database;
    if (database !== undefined) return { store: database.reader, blocks: database.blocks, database };
    const blocks = this.#closedBlocks;
    return { store: this.#context.store.readBlocks(this.name, new LocalBlocks(blocks, Infinity)), blocks, database };
  }

  /** Finds the blocks of a tenant that has not been open yet, for those who read. */
  async look(): Promise<void> {
    const blocks = await this.#context.store.listBlocks(this.name);
    if (this.#database === undefined) this.#closedBlocks = blocks;
  }

  /** The open database, for a write in this turn. */
  databaseForWrite(): Tsdb | undefined {
    if (this.#state.kind !== 'open') return undefined;
    this.#lastWriteMonotonicMs = this.#context.clock.monotonicMs();
    return this.#state.database;
  }

  /**
   * Opens a tenant that is dormant; the caller has seen that it is.
   * @throws WriteFailedError when it cannot be opened; soon after a failure without another try
   */
  open(): Promise<Tsdb> {
    invariant(this.#state.kind === 'dormant', 'a dormant tenant is opened');
    if (this.#failure !== undefined && this.#context.clock.monotonicMs() < this.#failure.retryMonotonicMs)
      return Promise.reject(this.#openError(this.#failure.reason));
    const opened = this.#open();
    this.#state = { kind: 'opening', opened };
    return opened;
  }

  async #open(): Promise<Tsdb> {
    const { store, log, stopping, clock } = this.#context;
    let database: Tsdb;
    try {
      database = await store.openDatabase(this.name);
    } catch (error) {
      // Whatever it is, our own bugs included, it concerns one tenant; ending the process would take the others along at each start.
      this.#state = { kind: 'dormant' };
      throw this.#fail(error);
    }
    if (stopping.aborted) {
      await database.close().catch((error: unknown) => this.#complain('close failed', error));
      this.#state = { kind: 'dormant' };
      throw new WriteFailedError(
        'unavailable',
        `Cannot open database of tenant ${this.name}: the ingester is stopping`,
        'ingester',
      );
    }
    this.#shipper ??= store.openShipper(this.name);
    this.#lastWriteMonotonicMs = clock.monotonicMs();
    this.#tidyDueMs = -Infinity;
    this.#state = { kind: 'open', database };
    this.#database = database;
    database.replayed.then(
      () => this.#opened(database),
      (error: unknown) => this.#abandon(database, error),
    );
    log.debug('database takes writes', { tenant: this.name });
    return database;
  }

  #opened(database: Tsdb): void {
    this.#failure = undefined;
    this.#context.log.info('database is open', {
      tenant: this.name,
      series: database.head.seriesCount,
      blocks: database.blocks.length,
    });
  }

  /** The log could not be replayed: what was written meanwhile is in the journal, and waits for the next try. */
  #abandon(database: Tsdb, error: unknown): void {
    if (this.#context.stopping.aborted || this.database !== database) return;
    this.#fail(error);
    void this.#become('closing', () => database.close());
  }

  #fail(error: unknown): WriteFailedError {
    const { clock, log, stopping } = this.#context;
    const reason = messageOf(error);
    if (!stopping.aborted) {
      const attempts = (this.#failure?.attempts ?? 0) + 1;
      const retryMs = Math.min(retryMsMin * 2 ** (attempts - 1), retryMsMax);
      this.#failure = { reason, attempts, retryMonotonicMs: clock.monotonicMs() + retryMs };
      this.openFailures += 1;
      log.error('database cannot be opened, it is tried again', {
        tenant: this.name,
        attempts,
        retryInMs: retryMs,
        error: reason,
        stack: error instanceof TypeError ? error.stack : undefined,
      });
    }
    return this.#openError(reason);
  }

  #openError(reason: string): WriteFailedError {
    return new WriteFailedError('unavailable', `Cannot open database of tenant ${this.name}: ${reason}`);
  }

  /** Claims the tenant for work that ends dormant, or in the state that the work says. A failure is logged. */
  #become(doing: 'closing' | 'tidying', work: () => Promise<TenantState | void>): Promise<void> {
    const done = (async () => {
      let next: TenantState | void = undefined;
      try {
        next = await work();
      } catch (error) {
        this.#complain(`${doing} failed`, error);
      } finally {
        this.#state = next ?? { kind: 'dormant' };
        if (this.#state.kind === 'dormant' && this.#database !== undefined) {
          this.#closedBlocks = this.#database.blocks;
          this.#database = undefined;
        }
      }
    })();
    this.#state = { kind: 'busy', doing, done };
    return done;
  }

  #complain(message: string, error: unknown): void {
    this.#context.log.error(message, { tenant: this.name, error: messageOf(error) });
  }

  get #isIdle(): boolean {
    const { clock, blockRangeMs } = this.#context;
    const { database } = this;
    if (database === undefined || database.state !== 'open') return false;
    return isIdle({
      nowMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      lastWriteMonotonicMs: this.#lastWriteMonotonicMs,
      headMaxTimeMs: database.head.seriesCount > 0 ? database.head.maxTimeMs : -Infinity,
      rangeMs: blockRangeMs,
    });
  }

  /** Closes the tenant if nobody writes to it: what its head holds becomes blocks, which are shipped later. */
  async retire(): Promise<void> {
    const { database } = this;
    if (database === undefined || !this.#isIdle) return;
    // In the ordinary way, while writes may come. All of the head is due.
    for (let cuts = 0; cuts < cutsMax && database.head.seriesCount > 0; cuts += 1)
      if ((await database.cutIfDue()).length === 0) break;
    // Somebody may have written, or closed it, meanwhile: from here to the claim nothing else runs.
    if (this.database === database && this.#isIdle) await this.#become('closing', () => this.#close(database));
  }

  /** From `closing`. */
  async #close(database: Tsdb): Promise<TenantState> {
    const { store, log } = this.#context;
    try {
      // Whatever is left: nothing, as a rule, since writes wait for this.
      await database.flush();
    } catch (error) {
      this.#complain('flush failed, the samples stay in the log', error);
      return { kind: 'open', database };
    }
    const isEmpty = database.head.seriesCount === 0;
    await database.close();
    if (isEmpty) await store.forgetLog(this.name);
    this.#tidyDueMs = -Infinity;
    log.info('database is closed: nobody writes to it', { tenant: this.name, blocks: database.blocks.length });
    return { kind: 'dormant' };
  }

  /** Retention of an open database. */
  async retain(): Promise<void> {
    const { database } = this;
    if (database === undefined || database.state !== 'open') return;
    const deleted = await database.applyRetention(await this.#shipper?.uploadedBlocks());
    this.#logDeleted(deleted);
    this.#noteHeldBack(database.stats.blocksHeldBack > 0);
  }

  /** Says it once when it begins and when it ends. */
  #noteHeldBack(isHeldBack: boolean): void {
    if (isHeldBack === this.#isHeldBack) return;
    this.#isHeldBack = isHeldBack;
    const { log } = this.#context;
    if (isHeldBack)
      log.warn('retention cannot be kept: blocks that should be deleted are not in the bucket', { tenant: this.name });
    else log.info('retention is kept again', { tenant: this.name });
  }

  #logDeleted(ids: readonly string[]): void {
    for (const block of ids)
      this.#context.log.info('block is over a limit of retention and deleted', { tenant: this.name, block });
  }

  /** Whether there is anything to do for a dormant tenant: between its last block's upload and its removal there is not. */
  get isTidyDue(): boolean {
    return this.#state.kind === 'dormant' && !this.#shipping && this.#context.clock.nowMs() >= this.#tidyDueMs;
  }

  /** Retention of a dormant tenant: deletes old blocks, and in the end the directory. Resolves with whether it did that. */
  async tidy(): Promise<boolean> {
    if (!this.isTidyDue) return false;
    let removed = false;
    await this.#become('tidying', async () => {
      removed = await this.#tidy();
    });
    return removed;
  }

  async #tidy(): Promise<boolean> {
    const { store, clock, log, retentionMs } = this.#context;
    this.#shipper ??= store.openShipper(this.name);
    const tidied = await store.tidy(this.name, await this.#shipper?.uploadedBlocks());
    this.#closedBlocks = tidied.blocks;
    this.#logDeleted(tidied.deleted);
    this.#noteHeldBack(tidied.heldBack.length > 0);
    if (tidied.unshippedBlocks > 0 || tidied.heldBack.length > 0) return false;
    // Nothing is left to upload or to delete until all of it is old.
    this.#shipper = undefined;
    this.#tidyDueMs = retentionMs > 0 ? tidied.newestMs + retentionMs : Infinity;
    const hasLog = await store.hasLog(this.name);
    if (!isRemovable({ ...tidied, hasLog }, { nowMs: clock.nowMs(), retentionMs })) return false;
    await store.remove(this.name);
    log.info('tenant is over the retention time and removed', { tenant: this.name });
    return true;
  }

  /** Whether the tenant is one that could not be opened, and should be tried again. */
  get isRetryDue(): boolean {
    const { clock } = this.#context;
    return (
      this.#state.kind === 'dormant' &&
      this.#failure !== undefined &&
      clock.monotonicMs() >= this.#failure.retryMonotonicMs
    );
  }

  /** Opens the tenant again if there is anything to open; otherwise it is as good as any dormant one. */
  async retry(): Promise<void> {
    if (!(await this.#context.store.hasLog(this.name))) this.#failure = undefined;
    // A failure is logged where it happens.
    else if (this.isRetryDue) await this.open().catch(() => {});
  }

  /** One pass of the shipper, open or dormant. At most one at a time, and none while the directory is looked at to be removed. */
  async ship(signal: AbortSignal): Promise<void> {
    const isTidied = this.#state.kind === 'busy' && this.#state.doing === 'tidying';
    // Nobody has looked yet whether an earlier process left blocks that are not in the bucket.
    if (this.isTidyDue) this.#shipper ??= this.#context.store.openShipper(this.name);
    if (this.#shipper === undefined || this.#shipping || isTidied) return;
    this.#shipping = true;
    try {
      const { uploaded, failed } = await this.#shipper.sync(signal);
      const { log } = this.#context;
      if (uploaded > 0) log.info('blocks are in the bucket', { tenant: this.name, uploaded });
      if (failed > 0) log.warn('blocks could not be uploaded', { tenant: this.name, failed });
    } finally {
      this.#shipping = false;
    }
  }

  /** The last closing: no write may come any more. Resolves when nothing of the tenant is open; a failure is logged. */
  async stop(): Promise<void> {
    if (this.#state.kind === 'busy') await this.#state.done;
    if (this.#state.kind === 'opening') await this.#state.opened.catch(() => {});
    const { database } = this;
    if (database === undefined) return;
    await this.#become('closing', async () => {
      // What was written meanwhile is in a journal that nobody else reads. A log that cannot be replayed is kept as it is.
      if (database.state === 'replaying') {
        this.#context.log.info('the end waits for the log to be replayed', { tenant: this.name });
        await database.replayAttempted;
      }
      const isFlushed = database.state === 'open' && (await this.#flushed(database));
      const isEmpty = isFlushed && database.head.seriesCount === 0;
      // Before the uploads, which may take long: from here on the process may be killed.
      await database.close();
      if (isEmpty) await this.#context.store.forgetLog(this.name);
    });
  }

  async #flushed(database: Tsdb): Promise<boolean> {
    try {
      await database.flush();
      return true;
    } catch (error) {
      this.#complain('flush failed, the samples stay in the log', error);
      return false;
    }
  }
}
