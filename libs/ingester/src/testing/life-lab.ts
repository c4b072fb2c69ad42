import { silentLog, type Clock } from '@gauntlet/base';
import type { Shipper } from '@gauntlet/shipper';
import type { Tsdb } from '@gauntlet/tsdb';
import type { TenantStore, TidiedTenant } from '../tenant.js';
import { Tenants, type TenantsOptions } from '../tenants.js';
import { Upkeep } from '../upkeep.js';

export const rangeMs = 1000;
export const retentionMs = 10_000;

/** Both of its times are moved by hand. Loops wait until they are aborted. */
export class LabClock implements Clock {
  now = 1_000_000;
  nowMs = (): number => this.now;
  monotonicMs = (): number => this.now;
  sleep = (_delayMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((_resolve, reject) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
}

/** A promise that somebody else settles. */
export class Gate {
  open!: () => void;
  readonly passed = new Promise<void>((resolve) => (this.open = resolve));
}

/** What a tenant's directory holds. */
export interface LabDirectory {
  hasLog: boolean;
  /** Ends of its blocks. */
  blocks: number[];
  unshipped: number;
  /** Blocks that a limit would delete. */
  heldBack?: string[];
}

/** A database that writes down what is done to it, and whose head is one number: its newest sample. */
export class LabDatabase {
  readonly name: string;
  readonly #store: LabStore;
  state: 'replaying' | 'open' | 'closed' = 'open';
  replayed: Promise<void> = Promise.resolve();
  replayAttempted: Promise<void> = Promise.resolve();
  readonly blocks: number[] = [];
  readonly head = { seriesCount: 0, minTimeMs: Infinity, maxTimeMs: -Infinity, memoryBytes: 0 };

  constructor(name: string, store: LabStore) {
    this.name = name;
    this.#store = store;
  }

  /** Stands for a write. */
  append(timestampMs: number): void {
    if (this.state === 'closed') throw new Error('Cannot append: the database is closed');
    this.#store.directory(this.name).hasLog = true;
    this.head.minTimeMs = this.head.seriesCount === 0 ? timestampMs : Math.min(this.head.minTimeMs, timestampMs);
    this.head.maxTimeMs = Math.max(this.head.maxTimeMs, timestampMs);
    this.head.seriesCount = 1;
  }

  cutIfDue(): Promise<string[]> {
    const isDue = this.head.seriesCount > 0 && this.#store.clock.now - this.head.minTimeMs > 1.5 * rangeMs;
    return this.#act('cut', () => (isDue ? this.#cut() : []));
  }

  flush(): Promise<string[]> {
    return this.#act('flush', () => (this.head.seriesCount > 0 ? this.#cut() : []));
  }

  maintain(): Promise<void> {
    return this.#act('maintain', () => {});
  }

  applyRetention(): Promise<string[]> {
    return this.#act('retain', () => []);
  }

  readonly stats = { blocksHeldBack: 0 };

  close(): Promise<void> {
    this.state = 'closed';
    return this.#act('close', () => {});
  }

  #cut(): string[] {
    this.#store.directory(this.name).blocks.push(this.head.maxTimeMs + 1);
    if (this.#store.hasBucket) this.#store.directory(this.name).unshipped += 1;
    this.head.seriesCount = 0;
    return ['block'];
  }

  #act<T>(what: string, act: () => T): Promise<T> {
    return this.#store.act(`${what} ${this.name}`, act);
  }
}

/** A disk of such databases. */
export class LabStore implements TenantStore {
  readonly done: string[] = [];
  /** Deeds that fail. */
  readonly failing = new Set<string>();
  /** Deeds that wait. */
  readonly gates = new Map<string, Gate>();
  readonly directories = new Map<string, LabDirectory>();
  readonly databases = new Map<string, LabDatabase>();
  /** What the next database is like. */
  replayed: () => Promise<void> = () => Promise.resolve();
  hasBucket = true;
  readonly clock: LabClock;

  constructor(clock: LabClock) {
    this.clock = clock;
  }

  directory(name: string): LabDirectory {
    let found = this.directories.get(name);
    if (found === undefined) this.directories.set(name, (found = { hasLog: false, blocks: [], unshipped: 0 }));
    return found;
  }

  async act<T>(what: string, act: () => T): Promise<T> {
    this.done.push(what);
    await this.gates.get(what)?.passed;
    if (this.failing.has(what)) throw new Error(`Cannot ${what}`);
    return act();
  }

  hold(what: string): Gate {
    const gate = new Gate();
    this.gates.set(what, gate);
    return gate;
  }

  list = (): Promise<string[]> => this.act('list', () => [...this.directories.keys()]);

  openDatabase(name: string): Promise<Tsdb> {
    return this.act(`open ${name}`, () => {
      const before = this.databases.get(name);
      if (before !== undefined && before.state !== 'closed') throw new Error(`${name} is open twice`);
      this.directory(name);
      const database = new LabDatabase(name, this);
      database.replayed = this.replayed();
      this.databases.set(name, database);
      return database as unknown as Tsdb;
    });
  }

  listBlocks(): Promise<[]> {
    return Promise.resolve([]);
  }

  readBlocks(): never {
    throw new Error('nobody reads here');
  }

  openShipper(name: string): Shipper | undefined {
    if (!this.hasBucket) return undefined;
    return {
      sync: () =>
        this.act(`ship ${name}`, () => {
          const directory = this.directory(name);
          const uploaded = directory.unshipped;
          directory.unshipped = 0;
          return { uploaded, failed: 0 };
        }),
      uploadedBlocks: () => Promise.resolve(new Set()),
    } as unknown as Shipper;
  }

  hasLog = (name: string): Promise<boolean> =>
    this.act(`look at ${name}`, () => this.directories.get(name)?.hasLog ?? false);

  forgetLog = (name: string): Promise<void> =>
    this.act(`forget log of ${name}`, () => void (this.directory(name).hasLog = false));

  tidy(name: string): Promise<TidiedTenant> {
    return this.act(`tidy ${name}`, () => {
      const { blocks, unshipped, heldBack = [] } = this.directory(name);
      return { blocks: [], deleted: [], heldBack, unshippedBlocks: unshipped, newestMs: Math.max(0, ...blocks) };
    });
  }

  remove(name: string): Promise<void> {
    return this.act(`remove ${name}`, () => {
      if (this.databases.get(name)?.state !== 'closed' && this.databases.has(name))
        throw new Error('removed while open');
      this.directories.delete(name);
    });
  }
}

export interface LifeLab {
  readonly clock: LabClock;
  readonly store: LabStore;
  readonly tenants: Tenants;
  readonly upkeep: Upkeep;
  /** A write as the service makes it: finds the database or opens it, looks again, appends in the turn in which it found it. */
  write(name: string, timestampMs?: number): Promise<void>;
}

export function lifeLab(options: Partial<TenantsOptions> = {}): LifeLab {
  const clock = new LabClock();
  const store = new LabStore(clock);
  const tenants = new Tenants({
    store,
    clock,
    log: silentLog,
    blockRangeMs: rangeMs,
    retentionMs,
    ...options,
  });
  const upkeep = new Upkeep({ tenants, clock, log: silentLog, blockRangeMs: rangeMs });
  return {
    clock,
    store,
    tenants,
    upkeep,
    async write(name, timestampMs = clock.now) {
      for (;;) {
        const database = tenants.get(name) as unknown as LabDatabase | undefined;
        if (database !== undefined) return database.append(timestampMs);
        await tenants.open(name);
      }
    },
  };
}

/** Lets everything that waits for nothing from outside go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
