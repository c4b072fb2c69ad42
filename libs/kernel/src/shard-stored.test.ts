import { shardRefusal } from './shard-types.js';
import { int64Max } from '@gauntlet/base';
import { ShardFault } from './shard-error.js';
import { StoredChunks } from './stored-chunks.js';
import {
  anyTime,
  appendRows,
  contents,
  hour,
  newShard,
  readSnapshot,
  replaySamples,
  replaySeries,
  samplesRecord,
  seriesRecord,
  takeSnapshot,
} from './testing/shard-driver.js';
import type { Shard } from './shard.js';

const one = 0x3ff0000000000000n;
const two = 0x4000000000000000n;
const chunk = { count: 120, encoding: 1, file: 3, offset: 1000, dataLength: 200 };

/** So many samples a second apart for each series, some more than make a chunk. */
function fill(shard: Shard, names: readonly string[], from: bigint, count: number): void {
  appendRows(
    shard,
    names.map((name) => ({
      name,
      samples: Array.from({ length: count }, (_, i) => [from + BigInt(i) * 1000n, BigInt(i)] as const),
    })),
  );
}

/** Marks all chunks stored, in `file` at offsets that tell them apart; returns how many there were. */
function spill(shard: Shard, file: number, max = 100): number {
  let n = 0;
  for (let more = true; more;) {
    const step = shard.stepUnstored(50, max);
    for (const { s, node } of step.chunks) shard.markStored(s, node, file, (n += 1));
    more = step.more;
  }
  return n;
}

describe('replay over chunks in files', () => {
  test('a series gets the chunks of its ref, and the samples behind them', () => {
    const shard = newShard();
    shard.attachStored(7n, { ...chunk, minTime: 10n, maxTime: 20n });
    shard.attachStored(8n, { ...chunk, minTime: 10n, maxTime: 90n });
    shard.attachStored(7n, { ...chunk, minTime: 21n, maxTime: 30n, file: 4 });
    expect(replaySeries(shard, seriesRecord([7n, 'a'], [9n, 'b']))).toEqual({
      applied: 2,
      maxRef: 9n,
      hostReset: [],
      minTime: 10n,
      maxTime: 30n,
    });
    const replayed = replaySamples(
      shard,
      samplesRecord([7n, 10n, one], [7n, 30n, two], [9n, 5n, one], [7n, 31n, one], [8n, 91n, one]),
    );
    expect(replayed).toEqual({
      minTime: 5n,
      maxTime: 31n,
      stored: 2,
      dropped: 2,
      known: 4,
      unknownRefMax: 8n,
      stopped: undefined,
    });
    shard.endReplay();
    expect(contents(shard)).toEqual({
      a: ['10-20 120 of 1 in 3:1000+200', '21-30 120 of 1 in 4:1000+200', '31-31 1 of 1'],
      b: ['5-5 1 of 1'],
    });
  });

  test('the log tells the bits of the last sample of a chunk in a file', () => {
    const shard = newShard();
    shard.attachStored(1n, { ...chunk, minTime: 10n, maxTime: 20n });
    replaySeries(shard, seriesRecord([1n, 'a']));
    replaySamples(shard, samplesRecord([1n, 19n, one], [1n, 20n, two]));
    const s = shard.seriesOfRef(1n);
    expect(shard.series(s)).toEqual({
      ref: 1n,
      maxTime: 20n,
      lastBits: two,
      hasSamples: true,
      isHost: false,
      isPinned: false,
    });
    shard.endReplay();
    const result = appendRows(shard, [
      {
        name: 'a',
        samples: [
          [20n, two],
          [20n, one],
          [19n, one],
          [21n, one],
        ],
      },
    ]);
    expect(result.appended).toBe(1);
    expect([...result.refused].map(({ first, reason }) => [first, reason])).toEqual([
      [1, shardRefusal.duplicate],
      [2, shardRefusal.outOfOrder],
    ]);
  });

  test('a second record of the same labels takes what the first had in memory, and adds its chunks in files', () => {
    const shard = newShard();
    shard.attachStored(1n, { ...chunk, minTime: 10n, maxTime: 20n });
    shard.attachStored(2n, { ...chunk, minTime: 30n, maxTime: 40n, offset: 2 });
    // Both in one slice, then one more for which no file has a chunk.
    replaySeries(shard, seriesRecord([1n, 'a'], [2n, 'a'], [3n, 'b'], [4n, 'b']));
    const inFiles = ['10-20 120 of 1 in 3:1000+200', '30-40 120 of 1 in 3:2+200'];
    expect(contents(shard)).toEqual({ a: inFiles });
    replaySamples(shard, samplesRecord([2n, 41n, one], [3n, 41n, one]));
    replaySeries(shard, seriesRecord([5n, 'a'], [6n, 'b']));
    expect(contents(shard)).toEqual({ a: inFiles });
    expect(new Set(shard.endReplay().map(({ ref }) => ref))).toEqual(new Set([2n, 4n, 5n, 6n]));
  });

  test('a series that came again keeps the chunks that a later start has stored under its first ref', () => {
    const shard = newShard();
    shard.attachStored(2n, { ...chunk, minTime: 30n, maxTime: 40n, offset: 1 });
    shard.attachStored(1n, { ...chunk, minTime: 41n, maxTime: 60n, offset: 2 });
    replaySeries(shard, seriesRecord([1n, 'a']));
    replaySamples(shard, samplesRecord([1n, 10n, one]));
    replaySeries(shard, seriesRecord([2n, 'a']));
    replaySamples(shard, samplesRecord([2n, 30n, one], [2n, 45n, one], [1n, 60n, two], [1n, 61n, two]));
    expect(contents(shard)).toEqual({
      a: ['30-40 120 of 1 in 3:1+200', '41-60 120 of 1 in 3:2+200', '61-61 1 of 1'],
    });
  });

  test('the shard that creates the series gets the chunks, whichever was told of them', () => {
    const stored = new StoredChunks();
    const fault = new ShardFault();
    const [first, second] = [newShard({ stored, fault }), newShard({ stored, fault })];
    first.attachStored(1n, { ...chunk, minTime: 10n, maxTime: 20n });
    first.attachStored(2n, { ...chunk, minTime: 10n, maxTime: 20n });
    replaySeries(first, seriesRecord([3n, 'c']));
    replaySeries(second, seriesRecord([1n, 'a']));
    expect(contents(second)).toEqual({ a: ['10-20 120 of 1 in 3:1000+200'] });
    expect(stored.isEmpty).toBe(false);
    first.endReplay();
    expect(stored.isEmpty).toBe(true);
  });

  test('thousands of chunks find their series', () => {
    const shard = newShard();
    for (let time = 0n; time < 3n; time += 1n) {
      for (let ref = 1n; ref <= 2000n; ref += 1n) {
        shard.attachStored(ref, { ...chunk, minTime: time * 10n, maxTime: time * 10n + 9n, offset: Number(ref) });
      }
    }
    for (let ref = 2000n; ref > 0n; ref -= 500n) {
      replaySeries(
        shard,
        seriesRecord(...Array.from({ length: 500 }, (_, i) => [ref - BigInt(i), `s${ref - BigInt(i)}`] as const)),
      );
    }
    shard.endReplay();
    const all = contents(shard);
    expect(Object.keys(all).length).toBe(2000);
    expect(all['s1234']).toEqual([0, 1, 2].map((i) => `${i * 10}-${i * 10 + 9} 120 of 1 in 3:1234+200`));
  });

  test('replay stops at a sample that is newer than a histogram, and goes on behind it', () => {
    const shard = newShard();
    replaySeries(shard, seriesRecord([1n, 'a'], [2n, 'b']));
    const s = shard.seriesOfRef(1n);
    shard.setHost(s, { minTime: 10n }, 10n);
    const record = samplesRecord([2n, 5n, one], [1n, 9n, one], [1n, 10n, one], [1n, 11n, two], [2n, 12n, one]);
    const first = replaySamples(shard, record);
    expect(first).toEqual({
      minTime: 5n,
      maxTime: 5n,
      stored: 1,
      dropped: 2,
      known: 4,
      unknownRefMax: 0n,
      stopped: { s, ref: 1n, t: 11n, bits: two },
    });
    shard.pushChunk(s, { minTime: 10n, maxTime: 10n, count: 1, encoding: 2, data: Buffer.alloc(2000) });
    shard.clearHost(s);
    shard.appendFloat(s, 11n, two, false);
    expect(shard.resumeSamples()).toEqual({
      minTime: 12n,
      maxTime: 12n,
      stored: 1,
      dropped: 0,
      known: 1,
      unknownRefMax: 0n,
      stopped: undefined,
    });
    expect(contents(shard)).toEqual({ a: ['10-10 1 of 2', '11-11 1 of 1'], b: ['5-12 2 of 1'] });
  });

  test('a record of labels that are the host’s says so', () => {
    const shard = newShard();
    replaySeries(shard, seriesRecord([1n, 'a'], [2n, 'b']));
    const s = shard.seriesOfRef(1n);
    shard.setHost(s, { minTime: 10n }, 10n);
    expect(replaySeries(shard, seriesRecord([3n, 'b'], [4n, 'a'])).hostReset).toEqual([s]);
    expect(shard.series(s)).toMatchObject({ isHost: false, hasSamples: false });
    expect(shard.chunkCount).toBe(0);
  });

  test('a removed series is known by none of its refs, and its labels make a new one', () => {
    const shard = newShard();
    replaySeries(shard, seriesRecord([1n, 'a'], [2n, 'b'], [3n, 'a']));
    replaySamples(shard, samplesRecord([3n, 5n, one], [2n, 5n, one]));
    expect(shard.removeSeries(3n)).toBe(true);
    expect(shard.removeSeries(1n)).toBe(false);
    expect(shard.seriesOfRef(1n)).toBe(0);
    expect(replaySamples(shard, samplesRecord([1n, 6n, one], [2n, 6n, one], [3n, 6n, one]))).toMatchObject({
      known: 1,
    });
    expect(shard.seriesCount).toBe(1);
    expect(shard.chunkCount).toBe(1);
    replaySeries(shard, seriesRecord([4n, 'a']));
    replaySamples(shard, samplesRecord([4n, 7n, one]));
    shard.endReplay();
    expect(contents(shard)).toEqual({ a: ['7-7 1 of 1'], b: ['5-6 2 of 1'] });
    expect(shard.seriesOfRef(4n)).toBe(0);
  });
});

describe('chunks on their way to files', () => {
  const names = Array.from({ length: 40 }, (_, i) => `s${i}`);

  test('each finished chunk is told of once, and leaves its data when a file has it', () => {
    const shard = newShard();
    fill(shard, names, 0n, 400);
    const expected = shard.unstoredChunks;
    expect(expected).toBeGreaterThanOrEqual(2 * names.length);
    const before = contentsOfFinished(shard);
    const seen: string[] = [];
    for (let more = true; more;) {
      const step = shard.stepUnstored(100, 7);
      expect(step.chunks.length).toBeLessThanOrEqual(7);
      for (const { s, node, ref, minTime, maxTime, count, encoding, data } of step.chunks) {
        expect(shard.series(s).ref).toBe(ref);
        seen.push(`${ref} ${minTime}-${maxTime} ${count} ${Buffer.from(data).toString('hex')}`);
        expect(encoding).toBe(1);
        shard.markStored(s, node, 5, seen.length);
      }
      more = step.more;
    }
    expect(seen.sort()).toEqual(before.sort());
    expect(shard.unstoredChunks).toBe(0);
    expect(spill(shard, 6)).toBe(0);
    const chunksOf = Object.values(contents(shard));
    expect(chunksOf.every((chunks) => chunks.slice(0, -1).every((text) => text.includes(' in 5:')))).toBe(true);
    expect(new Set(chunksOf.flat().flatMap((text) => text.match(/5:\d+/) ?? [])).size).toBe(expected);
    fill(shard, names, hour, 200);
    expect(spill(shard, 6)).toBe(shard.chunkCount - expected - names.length);
  });

  test('a truncation tells the oldest file that is still needed', () => {
    const shard = newShard();
    const truncate = (min: bigint) => {
      shard.beginTruncate(min);
      for (let removed = 0; ;) {
        const step = shard.stepTruncate(64);
        removed += step.removed.length;
        if (!step.more) return { oldestFile: step.oldestFile, removed };
      }
    };
    expect(truncate(0n)).toEqual({ oldestFile: Infinity, removed: 0 });
    fill(shard, ['old', 'both'], 0n, 300);
    spill(shard, 1);
    fill(shard, ['new', 'both'], 10n * hour, 300);
    spill(shard, 2);
    expect(truncate(0n).oldestFile).toBe(1);
    expect(truncate(5n * hour)).toEqual({ oldestFile: 2, removed: 1 });
    expect(truncate(20n * hour)).toEqual({ oldestFile: Infinity, removed: 2 });
    expect(shard.chunkCount).toBe(0);
    expect(shard.unstoredChunks).toBe(0);
  });

  test('a chunk that goes to a file while a truncation runs counts, wherever its series lies', () => {
    const shard = newShard();
    fill(shard, names, 0n, 300);
    shard.beginTruncate(0n);
    // All but the last slots are passed.
    while (shard.stepTruncate(1023).oldestFile !== Infinity);
    spill(shard, 9);
    let last = shard.stepTruncate(1);
    while (last.more) last = shard.stepTruncate(1);
    expect(last.oldestFile).toBe(9);
  });

  test('pinned series stay, and the host is told which of its own are empty', () => {
    const shard = newShard();
    const addresses: number[] = [];
    appendRows(
      shard,
      ['a', 'b', 'c'].map((name) => ({ name, histograms: 1 })),
      anyTime,
      { onHostRow: (row) => addresses.push(shard.createSeries(row)) },
    );
    const [a, b, c] = addresses as [number, number, number];
    for (const s of [a, b, c]) shard.setHost(s, { minTime: 5n }, 10n);
    shard.setPinned(a, true);
    shard.clearHost(b);
    shard.setPinned(b, true);
    const refs = [a, b, c].map((s) => shard.series(s).ref);
    shard.beginTruncate(8n);
    expect(shard.stepTruncate(2000)).toMatchObject({
      more: false,
      removed: BigUint64Array.of(refs[1]!).slice(1),
      oldest: 5n,
    });
    shard.beginTruncate(11n);
    const { removed, emptied, oldest } = shard.stepTruncate(2000);
    expect([[...removed], [...emptied], oldest]).toEqual([[refs[2]], [refs[0]], int64Max]);
    expect(shard.series(a)).toMatchObject({ hasSamples: false, isHost: false, isPinned: true });
    shard.setPinned(a, false);
    shard.setPinned(b, false);
    shard.beginTruncate(11n);
    expect(shard.stepTruncate(2000).removed.length).toBe(2);
    expect(shard.chunkCount).toBe(0);
  });
});

function contentsOfFinished(shard: Shard): string[] {
  // Open chunks begin after the last whole one: a snapshot up to there finishes none of them.
  const newestFinished = 1000n * 239n;
  const all = readSnapshot(takeSnapshot(shard, 0n, newestFinished)).flatMap(({ ref, chunks }) =>
    chunks.map(
      ({ minTime, maxTime, sampleCount, data }) =>
        `${ref} ${minTime}-${maxTime} ${sampleCount} ${Buffer.from(data!).toString('hex')}`,
    ),
  );
  shard.endSnapshot();
  return all;
}
