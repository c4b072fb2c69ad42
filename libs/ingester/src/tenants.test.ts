import { silentLog, type Clock } from '@gauntlet/base';
import type { Shipper } from '@gauntlet/shipper';
import type { Tsdb } from '@gauntlet/tsdb';
import { Tenants, type TenantStore } from './tenants.js';

/** Time stands still: loops wait for ever, unless they are aborted. */
const stillClock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: (_delayMs, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
};

/** A store whose databases write down what is done to them. */
class RecordingStore implements TenantStore {
  readonly done: string[] = [];
  readonly failing = new Set<string>();
  readonly #names: readonly string[];
  /** Resolves openings; undefined opens at once. */
  gate: Promise<void> | undefined;

  constructor(...names: string[]) {
    this.#names = names;
  }

  list = (): Promise<string[]> => Promise.resolve([...this.#names]);

  async openDatabase(tenant: string): Promise<Tsdb> {
    this.done.push(`open ${tenant}`);
    await this.gate;
    this.#mayFail(`open ${tenant}`);
    const act = (what: string): Promise<string[]> => {
      this.done.push(`${what} ${tenant}`);
      return Promise.resolve().then(() => {
        this.#mayFail(`${what} ${tenant}`);
        return [];
      });
    };
    return {
      head: { seriesCount: 0 },
      blocks: [],
      cutIfDue: () => act('cut'),
      flush: () => act('flush'),
      applyRetention: () => act('retain'),
      close: () => act('close'),
    } as unknown as Tsdb;
  }

  openShipper(tenant: string): Shipper {
    return {
      sync: () => {
        this.done.push(`ship ${tenant}`);
        return Promise.resolve({ uploaded: 0, failed: 0 });
      },
      uploadedBlocks: () => Promise.resolve(new Set()),
    } as unknown as Shipper;
  }

  #mayFail(what: string): void {
    if (this.failing.has(what)) throw new Error(`Cannot ${what}`);
  }
}

const tenantsOf = (store: TenantStore, tenantsMax = 100): Tenants =>
  new Tenants({ store, tenantsMax, clock: stillClock, random: () => 0.5, log: silentLog, blockRangeMs: 1000 });

test('at the start every tenant with a directory is opened, and the default one', async () => {
  const store = new RecordingStore('a', 'b');
  const tenants = tenantsOf(store);
  expect(tenants.ready).toBe(false);
  await tenants.openAll(['default-tenant', 'a']);
  expect(store.done.sort()).toEqual(['open a', 'open b', 'open default-tenant']);
  expect(tenants.ready).toBe(true);
  expect(tenants.get('a')).toBeDefined();
  await tenants.stop(1000);
});

test('an ingester that cannot open one of its tenants does not become ready', async () => {
  const store = new RecordingStore('a', 'b');
  store.failing.add('open b');
  const tenants = tenantsOf(store);
  await expect(tenants.openAll([])).rejects.toThrow('Cannot open b');
  expect(tenants.ready).toBe(false);
  await tenants.stop(1000);
});

test('writes that ask for a new tenant at the same time share one opening', async () => {
  const store = new RecordingStore();
  const tenants = tenantsOf(store);
  await tenants.openAll([]);
  const opened = await Promise.all(Array.from({ length: 50 }, () => tenants.open('new')));
  expect(new Set(opened).size).toBe(1);
  expect(store.done).toEqual(['open new']);
  await tenants.stop(1000);
});

test('an opening that failed is tried again by the next write', async () => {
  const store = new RecordingStore();
  const tenants = tenantsOf(store);
  await tenants.openAll([]);
  store.failing.add('open new');
  await expect(tenants.open('new')).rejects.toThrow('Cannot open new');
  store.failing.clear();
  expect(await tenants.open('new')).toBe(tenants.get('new'));
  await tenants.stop(1000);
});

test('the number of tenants is bounded', async () => {
  const store = new RecordingStore('a');
  const tenants = tenantsOf(store, 2);
  await tenants.openAll([]);
  await tenants.open('b');
  await expect(tenants.open('c')).rejects.toMatchObject({
    kind: 'overloaded',
    message: 'Cannot open database of tenant c: 2 are open already',
  });
  expect(await tenants.open('b')).toBe(tenants.get('b'));
  await tenants.stop(1000);
});

test('no tenant is opened for a write before the start is over, nor after the end has begun', async () => {
  const store = new RecordingStore();
  const tenants = tenantsOf(store);
  await expect(tenants.open('early')).rejects.toMatchObject({ kind: 'unavailable' });
  await tenants.openAll([]);
  await tenants.stop(1000);
  await expect(tenants.open('late')).rejects.toMatchObject({ kind: 'unavailable' });
  expect(store.done).toEqual([]);
});

test('at the end heads are flushed, databases closed, then blocks shipped, whatever fails on the way', async () => {
  const store = new RecordingStore('a', 'b');
  const tenants = tenantsOf(store);
  await tenants.openAll([]);
  store.done.length = 0;
  store.failing.add('flush a').add('close a');
  await tenants.stop(1000);
  const order = (name: string): string[] => store.done.filter((what) => what.endsWith(name));
  expect(order('a')).toEqual(['flush a', 'close a', 'ship a']);
  expect(order('b')).toEqual(['flush b', 'close b', 'ship b']);
  // A bucket that hangs must not keep a log from being closed.
  expect(Math.min(...['ship a', 'ship b'].map((what) => store.done.indexOf(what)))).toBeGreaterThan(3);
  expect(tenants.state).toBe('closed');
});

test('a stop in the middle of the start waits for what is being opened, closes it, and opens nothing more', async () => {
  const store = new RecordingStore('a', 'b', 'c', 'd', 'e', 'f');
  let open!: () => void;
  store.gate = new Promise((resolve) => (open = resolve));
  const tenants = tenantsOf(store);
  const opening = tenants.openAll([]).catch((error: unknown) => error);
  await new Promise((resolve) => setImmediate(resolve));
  const stopping = tenants.stop(1000);
  open();
  await stopping;
  expect(await opening).toMatchObject({ kind: 'unavailable' });
  expect(store.done.filter((what) => what.startsWith('open'))).toHaveLength(4);
  expect(store.done.filter((what) => what.startsWith('close'))).toHaveLength(4);
  expect(tenants.all()).toEqual([]);
});
