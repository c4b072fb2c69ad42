import { settle, lifeLab, rangeMs, retentionMs, type LabDatabase, type LifeLab } from './testing/life-lab.js';

const only = (done: readonly string[], verb: string): string[] => done.filter((what) => what.startsWith(`${verb} `));
const stateOf = ({ tenants }: LifeLab, name: string): string | undefined =>
  [...tenants.known()].find((tenant) => tenant.name === name)?.state.kind;

describe('the start', () => {
  test('opens the tenants with something in their log, and the default one; the others stay dormant', async () => {
    const { store, tenants } = lifeLab();
    store.directory('a').hasLog = true;
    store.directory('b');
    await tenants.start(['default-tenant']);
    expect(only(store.done, 'open').sort()).toEqual(['open a', 'open default-tenant']);
    expect(tenants.counts).toEqual({ open: 2, replaying: 0, dormant: 1, failing: 0 });
    await tenants.stop(1000);
  });

  test('takes writes before it is over: a tenant that is not open yet is opened by its first write', async () => {
    const { store, tenants, write } = lifeLab();
    store.directory('a').hasLog = true;
    const listing = store.hold('list');
    const starting = tenants.start([]);
    expect(tenants.ready).toBe(true);
    await write('a');
    await write('new');
    listing.open();
    await starting;
    expect(only(store.done, 'open')).toEqual(['open a', 'open new']);
    await tenants.stop(1000);
  });

  test('goes on when one tenant cannot be opened; its writes are told to come again, and it is tried again', async () => {
    const { clock, store, tenants, upkeep, write } = lifeLab();
    for (const name of ['a', 'b', 'c']) store.directory(name).hasLog = true;
    store.failing.add('open b');
    await tenants.start([]);
    expect(tenants.counts).toMatchObject({ open: 2, failing: 1 });
    expect(tenants.openFailures).toBe(1);
    const again = { kind: 'unavailable', message: 'Cannot open database of tenant b: Cannot open b', scope: 'tenant' };
    await expect(write('b')).rejects.toMatchObject(again);
    // So soon after a failure nothing is tried.
    expect(only(store.done, 'open').filter((what) => what === 'open b')).toHaveLength(1);
    clock.now += 1000;
    await upkeep.tidy();
    expect(tenants.openFailures).toBe(2);
    clock.now += 1999;
    await upkeep.tidy();
    expect(tenants.openFailures).toBe(2);
    store.failing.clear();
    clock.now += 1;
    await upkeep.tidy();
    expect(tenants.counts).toMatchObject({ open: 1, failing: 0 });
    await write('b');
    await tenants.stop(1000);
  });

  test('goes on when the data directory cannot be listed', async () => {
    const { store, tenants, write } = lifeLab();
    store.failing.add('list');
    await tenants.start(['default-tenant']);
    await write('a');
    await tenants.stop(1000);
  });

  test('costs a dormant tenant one look at its directory', async () => {
    const { store, tenants } = lifeLab();
    for (let i = 0; i < 1000; i += 1) store.directory(`tenant-${i}`);
    await tenants.start([]);
    expect(store.done).toHaveLength(1001);
    expect(tenants.counts).toMatchObject({ open: 0, dormant: 1000 });
    await tenants.stop(1000);
  });
});

describe('opening', () => {
  test('is shared by writes that ask at the same time', async () => {
    const { store, tenants } = lifeLab();
    const opened = await Promise.all(Array.from({ length: 50 }, () => tenants.open('new')));
    expect(new Set(opened).size).toBe(1);
    expect(store.done).toEqual(['open new']);
    await tenants.stop(1000);
  });

  test('that failed is tried again by a write, a second later', async () => {
    const { clock, store, tenants, write } = lifeLab();
    store.failing.add('open new');
    await expect(write('new')).rejects.toThrow('Cannot open new');
    store.failing.clear();
    clock.now += 1000;
    await write('new');
    await tenants.stop(1000);
  });

  test('is bounded, counting what is open', async () => {
    const lab = lifeLab({ tenantsMax: 2 });
    const { store, tenants, write } = lab;
    store.directory('dormant');
    await tenants.start([]);
    await write('a');
    await write('b');
    await expect(write('c')).rejects.toMatchObject({
      kind: 'overloaded',
      message: 'Cannot open database of tenant c: 2 are open already',
    });
    await write('b');
    await tenants.stop(1000);
  });

  test('is bounded, counting every tenant that was ever heard of', async () => {
    const { tenants, store, write } = lifeLab({ tenantsMax: 1 });
    for (let i = 0; i < 10; i += 1) store.directory(`old-${i}`);
    await tenants.start([]);
    await expect(write('new')).rejects.toMatchObject({ kind: 'overloaded' });
    await write('old-1');
    await tenants.stop(1000);
  });

  test('is refused for want of memory, while open tenants are written to', async () => {
    let short = false;
    const { tenants, write } = lifeLab({
      refusalToOpen: () => (short ? Object.assign(new Error('memory'), {}) : undefined) as never,
    });
    await write('a');
    short = true;
    await expect(write('b')).rejects.toThrow('memory');
    await write('a');
    await tenants.stop(1000);
  });

  test('whose log turns out to be unreadable is closed and tried again, with what was written in its journal', async () => {
    const lab = lifeLab();
    const { clock, store, tenants, upkeep, write } = lab;
    store.directory('a').hasLog = true;
    let fail!: (error: Error) => void;
    store.replayed = () => new Promise((_resolve, reject) => (fail = reject));
    await tenants.start([]);
    await write('a');
    store.replayed = () => Promise.resolve();
    fail(new Error('Cannot replay'));
    await settle();
    expect(stateOf(lab, 'a')).toBe('dormant');
    expect(tenants.counts).toMatchObject({ open: 0, failing: 1 });
    await expect(write('a')).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('Cannot replay'),
    });
    clock.now += 1000;
    await upkeep.tidy();
    await write('a');
    expect(store.done).toEqual(['list', 'look at a', 'open a', 'close a', 'look at a', 'open a']);
    await tenants.stop(1000);
  });
});

describe('an idle tenant', () => {
  /** A tenant that was written to long enough ago to be closed at the next turn. */
  async function idleLab(): Promise<LifeLab> {
    const lab = lifeLab();
    await lab.write('a');
    lab.clock.now += 1.5 * rangeMs + 1;
    return lab;
  }

  test('is cut, closed and its log emptied, then shipped, and costs nothing until it is old', async () => {
    const lab = await idleLab();
    const { clock, store, tenants, upkeep } = lab;
    await upkeep.tidy();
    expect(stateOf(lab, 'a')).toBe('dormant');
    expect(store.directory('a')).toEqual({ hasLog: false, blocks: [1_000_001], unshipped: 1 });
    await upkeep.ship();
    await upkeep.tidy();
    store.done.length = 0;
    clock.now = 1_000_001 + retentionMs - 1;
    for (const work of ['cut', 'maintain', 'tidy', 'ship'] as const) await upkeep[work]();
    expect(store.done).toEqual([]);
    expect(tenants.counts).toMatchObject({ open: 0, dormant: 1 });
    await tenants.stop(1000);
  });

  test('is not closed while somebody writes to it, or before its time', async () => {
    const lab = await idleLab();
    lab.clock.now -= 1;
    await lab.upkeep.tidy();
    expect(stateOf(lab, 'a')).toBe('open');
    lab.clock.now += 1;
    await lab.write('a', 5);
    await lab.upkeep.tidy();
    expect(stateOf(lab, 'a')).toBe('open');
    await lab.tenants.stop(1000);
  });

  test('whose write comes while its head is cut stays open', async () => {
    const lab = await idleLab();
    const { store, tenants, upkeep, write } = lab;
    const cutting = store.hold('cut a');
    const tidying = upkeep.tidy();
    await settle();
    await write('a');
    cutting.open();
    await tidying;
    expect(stateOf(lab, 'a')).toBe('open');
    expect(only(store.done, 'flush')).toEqual([]);
    await tenants.stop(1000);
  });

  test.each(['flush a', 'close a', 'forget log of a'])(
    'whose write comes during "%s" is opened again, and the write succeeds',
    async (deed) => {
      const lab = await idleLab();
      const { store, tenants, upkeep, write } = lab;
      const gate = store.hold(deed);
      const tidying = upkeep.tidy();
      await settle();
      const writes = Promise.all([write('a'), write('a'), write('a')]);
      await settle();
      expect(only(store.done, 'open')).toEqual(['open a']);
      gate.open();
      await tidying;
      await writes;
      expect(only(store.done, 'open')).toEqual(['open a', 'open a']);
      expect(store.directory('a').hasLog).toBe(true);
      await tenants.stop(1000);
    },
  );

  test('that cannot be flushed stays open', async () => {
    const lab = await idleLab();
    const { store, tenants, upkeep, write } = lab;
    store.failing.add('flush a');
    await upkeep.tidy();
    expect(stateOf(lab, 'a')).toBe('open');
    expect(only(store.done, 'close')).toEqual([]);
    await write('a');
    store.failing.clear();
    await tenants.stop(1000);
  });

  test('whose cut fails keeps its log', async () => {
    const lab = await idleLab();
    const { store, tenants, upkeep } = lab;
    store.failing.add('cut a');
    await upkeep.tidy();
    expect(stateOf(lab, 'a')).toBe('open');
    expect(store.directory('a').hasLog).toBe(true);
    store.failing.clear();
    await tenants.stop(1000);
  });
});

describe('an old tenant', () => {
  /** A dormant tenant with one block, a moment before the end of its retention. */
  async function oldLab({ shipped = true, hasBucket = true } = {}): Promise<LifeLab> {
    const lab = lifeLab();
    lab.store.hasBucket = hasBucket;
    lab.store.directories.set('a', { hasLog: false, blocks: [1_000_000], unshipped: shipped ? 0 : 1 });
    await lab.tenants.start([]);
    lab.clock.now = 1_000_000 + retentionMs;
    await lab.upkeep.tidy();
    return lab;
  }

  test.each([true, false])('is removed once the retention is over (with a bucket: %s)', async (hasBucket) => {
    const { clock, store, tenants, upkeep, write } = await oldLab({ hasBucket });
    expect(store.directories.has('a')).toBe(true);
    clock.now += 1;
    await upkeep.tidy();
    expect(store.directories.has('a')).toBe(false);
    expect([...tenants.known()]).toEqual([]);
    expect(tenants.removed).toBe(1);
    await write('a');
    expect(store.directories.has('a')).toBe(true);
    await tenants.stop(1000);
  });

  test('stays while a block is not in the bucket, for as long as that takes', async () => {
    const { clock, store, tenants, upkeep } = await oldLab({ shipped: false });
    store.failing.add('ship a');
    clock.now += 10 * retentionMs;
    await upkeep.ship();
    await upkeep.tidy();
    expect(store.directories.has('a')).toBe(true);
    store.failing.clear();
    await upkeep.ship();
    await upkeep.tidy();
    expect(store.directories.has('a')).toBe(false);
    await tenants.stop(1000);
  });

  test('stays when nothing is ever deleted', async () => {
    const { clock, store, tenants, upkeep } = lifeLab({ retentionMs: 0 });
    store.directories.set('a', { hasLog: false, blocks: [1], unshipped: 0 });
    await tenants.start([]);
    clock.now += 1e12;
    await upkeep.tidy();
    await upkeep.tidy();
    expect(only(store.done, 'tidy')).toHaveLength(1);
    expect(store.directories.has('a')).toBe(true);
    await tenants.stop(1000);
  });

  test.each(['tidy a', 'remove a'])('that is written to during "%s" is there again afterwards', async (deed) => {
    const { clock, store, tenants, upkeep, write } = await oldLab();
    clock.now += 1;
    const gate = store.hold(deed);
    const tidying = upkeep.tidy();
    await settle();
    const writes = Promise.all([write('a'), write('a')]);
    await settle();
    expect(only(store.done, 'open')).toEqual([]);
    gate.open();
    await tidying;
    await writes;
    expect(only(store.done, 'open')).toEqual(['open a']);
    expect(store.directory('a').hasLog).toBe(true);
    expect(tenants.get('a')).toBeDefined();
    await tenants.stop(1000);
  });

  test('whose removal fails is tried again', async () => {
    const { clock, store, tenants, upkeep } = await oldLab();
    clock.now += 1;
    store.failing.add('remove a');
    await upkeep.tidy();
    expect(store.directories.has('a')).toBe(true);
    store.failing.clear();
    await upkeep.tidy();
    expect(store.directories.has('a')).toBe(false);
    await tenants.stop(1000);
  });

  test('is not removed in the middle of an upload', async () => {
    const { clock, store, tenants, upkeep } = await oldLab({ shipped: false });
    clock.now += 1;
    const uploading = store.hold('ship a');
    const shipping = upkeep.ship();
    await settle();
    await upkeep.tidy();
    expect(only(store.done, 'remove')).toEqual([]);
    uploading.open();
    await shipping;
    await tenants.stop(1000);
  });
});

test('blocks that an earlier process left are uploaded by the first pass', async () => {
  const { store, tenants, upkeep } = lifeLab();
  store.directories.set('a', { hasLog: false, blocks: [1_000_000], unshipped: 1 });
  await tenants.start([]);
  await upkeep.ship();
  expect(store.directory('a').unshipped).toBe(0);
  await tenants.stop(1000);
});

test('a retention that waits for the bucket is told of until it is kept', async () => {
  const { store, tenants, upkeep, write } = lifeLab();
  store.directories.set('closed', { hasLog: false, blocks: [1_000_000], unshipped: 0, heldBack: ['b'] });
  await tenants.start([]);
  await write('open');
  store.databases.get('open')!.stats.blocksHeldBack = 1;
  await upkeep.tidy();
  expect([...tenants.known()].map(({ isHeldBack }) => isHeldBack)).toEqual([true, true]);
  store.directory('closed').heldBack = [];
  store.databases.get('open')!.stats.blocksHeldBack = 0;
  await upkeep.tidy();
  expect([...tenants.known()].map(({ isHeldBack }) => isHeldBack)).toEqual([false, false]);
  await tenants.stop(1000);
});

test('cuts are made at a moment of each tenant, two at a time', async () => {
  const { clock, store, tenants, upkeep, write } = lifeLab();
  const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
  for (const name of names) await write(name, clock.now);
  clock.now += 1.5 * rangeMs + 1;
  for (const name of names) await write(name, clock.now);
  await upkeep.cut();
  expect(only(store.done, 'cut').length).toBeLessThan(names.length);
  clock.now += rangeMs / 4;
  const gates = names.map((name) => store.hold(`cut ${name}`));
  const before = store.done.length;
  const cutting = upkeep.cut();
  await settle();
  expect(only(store.done.slice(before), 'cut')).toHaveLength(2);
  for (const gate of gates) gate.open();
  await cutting;
  expect(new Set(only(store.done, 'cut')).size).toBe(names.length);
  await tenants.stop(1000);
});

test('a bucket that hangs keeps neither cuts nor retention nor writes waiting', async () => {
  const { clock, store, tenants, upkeep, write } = lifeLab();
  await write('a', clock.now);
  const hanging = store.hold('ship a');
  const shipping = upkeep.ship();
  clock.now += 1.75 * rangeMs + 1;
  await write('a');
  await upkeep.cut();
  await upkeep.maintain();
  await upkeep.tidy();
  expect(store.done).toEqual(expect.arrayContaining(['cut a', 'maintain a', 'retain a']));
  hanging.open();
  await shipping;
  await tenants.stop(1000);
});

describe('the end', () => {
  test('flushes heads, closes databases, empties logs, then ships, whatever fails on the way', async () => {
    const { store, tenants, write } = lifeLab();
    await write('a');
    await write('b');
    store.done.length = 0;
    store.failing.add('flush a').add('close a');
    await tenants.stop(1000);
    const order = (name: string): string[] => store.done.filter((what) => what.endsWith(name));
    expect(order('a')).toEqual(['flush a', 'close a', 'ship a']);
    expect(order('b')).toEqual(['flush b', 'close b', 'forget log of b', 'ship b']);
    // What could not be flushed is in the log.
    expect(store.directory('a').hasLog).toBe(true);
    // A bucket that hangs must not keep a log from being closed.
    expect(store.done.findIndex((what) => what.startsWith('ship'))).toBeGreaterThan(4);
    expect(tenants.state).toBe('closed');
  });

  test.each([
    ['is flushed once it has been', true, ['flush a', 'close a', 'forget log of a', 'ship a']],
    ['stays as it is if it cannot be', false, ['close a', 'ship a']],
  ])('a log that is still being replayed %s', async (_, succeeds, deeds) => {
    const { store, tenants } = lifeLab();
    store.directory('a').hasLog = true;
    store.replayed = () => new Promise(() => {});
    await tenants.start([]);
    const database = tenants.get('a') as unknown as LabDatabase;
    database.state = 'replaying';
    let end!: () => void;
    database.replayAttempted = new Promise((resolve) => (end = resolve));
    expect(tenants.counts).toMatchObject({ replaying: 1 });
    const stopping = tenants.stop(1000);
    await settle();
    expect(store.done).toEqual(['list', 'look at a', 'open a']);
    if (succeeds) database.state = 'open';
    end();
    await stopping;
    expect(store.done.slice(3)).toEqual(deeds);
  });

  test('in the middle of the start waits for what is being opened, closes it, and opens nothing more', async () => {
    const { store, tenants } = lifeLab();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) store.directory(name).hasLog = true;
    const gates = names.map((name) => store.hold(`open ${name}`));
    const starting = tenants.start([]);
    await settle();
    const stopping = tenants.stop(1000);
    for (const gate of gates) gate.open();
    await stopping;
    await starting;
    expect(only(store.done, 'open')).toHaveLength(4);
    expect(only(store.done, 'close')).toHaveLength(4);
    expect(tenants.all()).toEqual([]);
  });

  test('refuses writes that would open a tenant', async () => {
    const { store, tenants, write } = lifeLab();
    await tenants.stop(1000);
    await expect(write('late')).rejects.toMatchObject({ kind: 'unavailable', scope: 'ingester' });
    expect(store.done).toEqual([]);
  });

  test('waits for a tenant that is being closed', async () => {
    const { clock, store, tenants, upkeep, write } = lifeLab();
    await write('a');
    clock.now += 1.5 * rangeMs + 1;
    const flushing = store.hold('flush a');
    const tidying = upkeep.tidy();
    await settle();
    const stopping = tenants.stop(1000);
    await settle();
    expect(tenants.state).toBe('stopping');
    flushing.open();
    await stopping;
    await tidying;
    expect(only(store.done, 'close')).toEqual(['close a']);
  });
});
