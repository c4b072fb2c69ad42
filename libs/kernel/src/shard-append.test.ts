import { int64Max, int64Min } from '@gauntlet/base';
import { shardRefusal } from './shard-types.js';
import { anyTime, appendRows, contents, hour, newShard, samplesRecord } from './testing/shard-driver.js';

const one = 0x3ff0000000000000n;
const two = 0x4000000000000000n;
const newest = 1000n * hour;
const appendable = newest - hour;
const last = newest - 1000n;

const inOrder = { minValid: int64Min, appendableMin: appendable, started: true, timestampMax: newest + hour };
const window = { ...inOrder, outOfOrderMin: newest - 10n * hour };

/** A head whose newest time is `newest`, with a series whose newest sample is `last`, with the value 1. */
function headWithSeries() {
  const shard = newShard();
  const result = appendRows(shard, [
    { name: 'other', samples: [[newest, one]] },
    { name: 'known', samples: [[last, one]] },
  ]);
  expect(result.appended).toBe(2);
  return shard;
}

describe('what becomes of a float sample (spec/receive.md 6.3)', () => {
  const table: [string, 'known' | 'new', typeof inOrder, bigint, bigint, string][] = [
    ['below the appendable time', 'known', inOrder, appendable - 1n, one, 'out of bounds'],
    ['newer than its series', 'known', inOrder, last + 1n, two, 'stored'],
    ['repeated', 'known', inOrder, last, one, 'logged'],
    ['with another value at the same time', 'known', inOrder, last, two, 'duplicate'],
    ['older than its series', 'known', inOrder, last - 1n, one, 'out of order'],
    ['at the appendable time, of a new series', 'new', inOrder, appendable, one, 'stored'],
    ['below it, of a new series', 'new', inOrder, appendable - 1n, one, 'out of bounds'],
    ['too far in the future', 'known', inOrder, newest + hour + 1n, one, 'out of bounds'],
    ['newer than its series, with a window', 'known', window, last + 1n, two, 'stored'],
    ['repeated, with a window', 'known', window, last, one, 'logged'],
    ['with another value, with a window', 'known', window, last, two, 'duplicate'],
    ['older than its series, with a window', 'known', window, last - 1n, two, 'listed'],
    ['at the end of the window', 'known', window, newest - 10n * hour, two, 'listed'],
    ['before the window', 'known', window, newest - 10n * hour - 1n, two, 'too old'],
    // Even though it is newer than everything in its series.
    ['below the appendable time, of a new series, with a window', 'new', window, appendable - 1n, one, 'listed'],
    ['before the window, of a new series', 'new', window, newest - 10n * hour - 1n, one, 'too old'],
    ['too far in the future, with a window', 'known', window, newest + hour + 1n, one, 'out of bounds'],
    [
      'in a window shorter than the appendable time',
      'known',
      { ...inOrder, outOfOrderMin: newest - 500n } as typeof inOrder,
      last - 1n,
      two,
      'too old',
    ],
  ];
  const reasonsOf: Readonly<Record<string, number>> = {
    'out of bounds': shardRefusal.outOfBounds,
    'out of order': shardRefusal.outOfOrder,
    duplicate: shardRefusal.duplicate,
    'too old': shardRefusal.tooOld,
  };
  test.each(table)('a sample %s', (_case, name, bounds, t, bits, expected) => {
    const shard = headWithSeries();
    const result = appendRows(shard, [{ name, samples: [[t, bits]] }], bounds);
    const refused = [...result.refused];
    expect(refused.every(({ row, first, count }) => row === 0 && first === 0 && count === 1)).toBe(true);
    const reasons = refused.map(({ reason }) => reason);
    const listed = [...result.outOfOrder];
    expect({
      stored: result.appended,
      logged: result.samplesRecord.length > 0,
      created: result.created,
      reasons,
      listed: listed.map((sample) => [sample.t, sample.bits]),
    }).toEqual({
      stored: expected === 'stored' ? 1 : 0,
      logged: ['stored', 'logged', 'listed'].includes(expected),
      created: name === 'new' && ['stored', 'listed'].includes(expected) ? 1 : 0,
      reasons: reasonsOf[expected] === undefined ? [] : [reasonsOf[expected]],
      listed: expected === 'listed' ? [[t, bits]] : [],
    });
    for (const { s, ref } of listed) {
      expect(Buffer.from(shard.labels(s).subarray(7)).toString()).toBe(name);
      expect(shard.series(s).ref).toBe(ref);
      expect(Buffer.from(result.samplesRecord)).toEqual(samplesRecord([ref, t, bits]));
    }
  });

  test('a series whose first sample came out of order takes any appendable one after it', () => {
    const shard = headWithSeries();
    const result = appendRows(shard, [{ name: 'new', samples: [[appendable - 1n, one]] }], window);
    const { s } = [...result.outOfOrder][0]!;
    expect(shard.series(s)).toMatchObject({ hasSamples: false, isHost: false, isPinned: false });
    expect(appendRows(shard, [{ name: 'new', samples: [[appendable, two]] }], window).appended).toBe(1);
    expect(shard.series(s)).toMatchObject({ hasSamples: true, maxTime: appendable, lastBits: two });
  });

  test('the first sample of an empty head settles both bounds for the rest of its request', () => {
    const shard = newShard();
    const empty = {
      ...inOrder,
      appendableMin: int64Min,
      started: false,
      timestampMax: int64Max,
      outOfOrderWindow: 5n * hour,
    };
    const result = appendRows(
      shard,
      [
        { name: 'first', samples: [[newest, one]] },
        { name: 'second', samples: [[newest - 5n * hour, one]] },
        { name: 'third', samples: [[newest - 5n * hour - 1n, one]] },
      ],
      empty,
    );
    expect(result).toMatchObject({
      started: true,
      firstTime: newest,
      appendableMin: newest - hour,
      outOfOrderMin: newest - 5n * hour,
      appended: 1,
    });
    expect([...result.refused]).toEqual([{ row: 2, first: 0, count: 1, reason: shardRefusal.tooOld }]);
    expect([...result.outOfOrder].map(({ t }) => t)).toEqual([newest - 5n * hour]);
  });

  test('in an empty head behind blocks, the window counts from where they end, and starts no head', () => {
    const shard = newShard();
    const minValid = newest;
    const bounds = { ...inOrder, minValid, appendableMin: minValid, started: false, outOfOrderWindow: hour };
    const result = appendRows(
      shard,
      [
        { name: 'a', samples: [[newest - hour, one]] },
        { name: 'b', samples: [[newest - hour - 1n, one]] },
      ],
      bounds,
    );
    expect(result).toMatchObject({ started: false, appended: 0, created: 1 });
    expect([...result.refused]).toEqual([{ row: 1, first: 0, count: 1, reason: shardRefusal.tooOld }]);
    expect([...result.outOfOrder].map(({ t }) => t)).toEqual([newest - hour]);
  });
});

test('neighbouring samples that are refused for one reason are one run', () => {
  const shard = headWithSeries();
  const late = last - 1n;
  const result = appendRows(
    shard,
    [
      { name: 'other', samples: [[newest + 1n, one]] },
      {
        name: 'known',
        samples: [
          [late, one],
          [late, two],
          [last, two],
          [last + 1n, one],
          [late, one],
          [appendable - 1n, one],
        ],
      },
      { name: 'new', samples: [[appendable - 1n, one]] },
    ],
    inOrder,
  );
  const { outOfBounds, outOfOrder, duplicate } = shardRefusal;
  expect([...result.refused]).toEqual([
    { row: 1, first: 0, count: 2, reason: outOfOrder },
    { row: 1, first: 2, count: 1, reason: duplicate },
    { row: 1, first: 4, count: 1, reason: outOfOrder },
    { row: 1, first: 5, count: 1, reason: outOfBounds },
    { row: 2, first: 0, count: 1, reason: outOfBounds },
  ]);
});

describe('a bound on new series', () => {
  test('refuses the samples that would make more, and takes those of the series that are there', () => {
    const shard = headWithSeries();
    const result = appendRows(
      shard,
      [
        { name: 'a', samples: [[newest, one]] },
        {
          name: 'b',
          samples: [
            [appendable - 1n, one],
            [newest, one],
            [newest + 1n, one],
          ],
        },
        { name: 'known', samples: [[newest, one]] },
        { name: 'a', samples: [[newest + 1n, one]] },
      ],
      { ...inOrder, createdMax: 1 },
    );
    expect(result).toMatchObject({ appended: 3, created: 1 });
    expect([...result.refused]).toEqual([
      { row: 1, first: 0, count: 1, reason: shardRefusal.outOfBounds },
      { row: 1, first: 1, count: 2, reason: shardRefusal.seriesLimit },
    ]);
    expect(Buffer.from(result.seriesRecord).toString('latin1')).not.toMatch(/b/);
  });

  test('holds for samples out of order, and for the first of an empty head, which then starts nothing', () => {
    const late = appendRows(headWithSeries(), [{ name: 'a', samples: [[appendable - 1n, one]] }], {
      ...window,
      createdMax: 0,
    });
    expect([...late.refused]).toEqual([{ row: 0, first: 0, count: 1, reason: shardRefusal.seriesLimit }]);
    expect(late.outOfOrder).toHaveLength(0);
    const empty = { ...inOrder, minValid: newest, appendableMin: newest, started: false, outOfOrderWindow: hour };
    const first = appendRows(
      newShard(),
      [
        { name: 'a', samples: [[newest, one]] },
        { name: 'b', samples: [[newest - 1n, one]] },
      ],
      { ...empty, createdMax: 0 },
    );
    expect(first).toMatchObject({ started: false, appended: 0, created: 0 });
    expect([...first.refused]).toEqual([
      { row: 0, first: 0, count: 1, reason: shardRefusal.seriesLimit },
      { row: 1, first: 0, count: 1, reason: shardRefusal.seriesLimit },
    ]);
  });

  test('tells the host whether it may create a series', () => {
    const shard = headWithSeries();
    const may: boolean[] = [];
    appendRows(
      shard,
      [
        { name: 'a', histograms: 1 },
        { name: 'b', histograms: 1 },
      ],
      { ...inOrder, createdMax: 1 },
      {
        onHostRow(row) {
          may.push(shard.canCreate);
          if (shard.canCreate) shard.createSeries(row);
        },
      },
    );
    expect(may).toEqual([true, false]);
  });
});

describe('host rows', () => {
  test('histograms stop an append, and the host finds the series or makes it', () => {
    const shard = headWithSeries();
    const seen: [number, boolean][] = [];
    const result = appendRows(
      shard,
      [
        { name: 'a', samples: [[newest, one]] },
        { name: 'known', histograms: 1 },
        { name: 'b', histograms: 2 },
        { name: 'c', samples: [[newest, two]] },
      ],
      inOrder,
      {
        onHostRow(row, series) {
          seen.push([row, series !== 0]);
          const s = series === 0 ? shard.createSeries(row) : series;
          expect(shard.hostRow(row).series).toBe(series);
          if (series !== 0) shard.finishOpen(s);
          shard.setHost(s, { minTime: newest }, newest);
        },
      },
    );
    expect(seen).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(result).toMatchObject({ appended: 2, created: 3 });
    expect(result.refused).toHaveLength(0);
    expect(Buffer.from(result.seriesRecord).toString('latin1')).toMatch(/a.*b.*c/s);
    expect(shard.chunkCount).toBe(6);
  });

  test('exemplars stop an append only if the host wants them', () => {
    const rows = [{ name: 'known', samples: [[newest, one] as const], exemplars: 1 }];
    const asked: number[] = [];
    const onHostRow = (row: number) => asked.push(row);
    expect(appendRows(headWithSeries(), rows, inOrder, { onHostRow }).appended).toBe(1);
    expect(asked).toEqual([]);
    expect(appendRows(headWithSeries(), rows, { ...inOrder, hostExemplars: true }, { onHostRow }).appended).toBe(0);
    expect(asked).toEqual([0]);
  });

  test('every row of a series that is the host’s is a host row', () => {
    const shard = headWithSeries();
    const rows = [{ name: 'known', samples: [[newest, one] as const] }];
    appendRows(shard, [{ name: 'known', histograms: 1 }], inOrder, {
      onHostRow(_row, s) {
        shard.finishOpen(s);
        shard.setHost(s, { minTime: newest - 1n }, newest - 1n);
        expect(shard.series(s)).toMatchObject({ isHost: true, hasSamples: true, maxTime: newest - 1n });
      },
    });
    const result = appendRows(shard, rows, inOrder, {
      onHostRow(_row, s) {
        shard.pushChunk(s, {
          minTime: newest - 1n,
          maxTime: newest - 1n,
          count: 1,
          encoding: 2,
          data: Buffer.alloc(30),
        });
        shard.clearHost(s);
        shard.appendFloat(s, newest, one);
      },
    });
    expect(result).toMatchObject({ appended: 1, minTime: newest, maxTime: newest });
    expect(appendRows(shard, [{ name: 'known', samples: [[newest + 1n, one]] }], inOrder).appended).toBe(1);
    expect(contents(shard)['known']).toEqual([
      `${last}-${last} 1 of 1`,
      `${newest - 1n}-${newest - 1n} 1 of 2`,
      `${newest}-${newest + 1n} 2 of 1`,
    ]);
  });

  test('unknown ones are left to the shard that may create them', () => {
    const shard = headWithSeries();
    const asked: number[] = [];
    const rows = [
      { name: 'b', histograms: 1 },
      { name: 'known', histograms: 1 },
    ];
    const result = appendRows(shard, rows, inOrder, { create: false, onHostRow: (row) => asked.push(row) });
    expect(asked).toEqual([1]);
    expect(result.rowsLeft).toBe(1);
    expect([result.rows[49], result.rows[56 + 49]]).toEqual([0, 1]);
  });

  test('the log is cut where the host says, and says all in order', () => {
    const shard = headWithSeries();
    const taken: Buffer[] = [];
    const result = appendRows(
      shard,
      [
        { name: 'a', samples: [[newest, one]] },
        { name: 'b', histograms: 1 },
        { name: 'c', samples: [[newest, two]] },
      ],
      inOrder,
      {
        onHostRow(row) {
          const s = shard.createSeries(row);
          taken.push(Buffer.from(shard.takeSamplesRecord()), Buffer.from(shard.takeSamplesRecord()));
          shard.logFloat(s, newest + 5n, one);
        },
      },
    );
    const first = result.nextRef - 3n;
    expect(taken).toEqual([samplesRecord([first, newest, one]), Buffer.alloc(0)]);
    expect(Buffer.from(result.samplesRecord)).toEqual(
      samplesRecord([first + 1n, newest + 5n, one], [first + 2n, newest, two]),
    );
  });

  test('the host may be the one that sees the first sample of a head', () => {
    const shard = newShard();
    const bounds = { ...inOrder, appendableMin: int64Min, started: false, outOfOrderWindow: 2n * hour };
    const result = appendRows(
      shard,
      [
        { name: 'a', histograms: 1 },
        { name: 'b', samples: [[newest - hour - 1n, one]] },
      ],
      bounds,
      {
        onHostRow() {
          expect(shard.bounds).toMatchObject({ started: false });
          shard.startAt(newest);
          shard.startAt(0n);
          expect(shard.bounds).toEqual({
            started: true,
            appendableMin: newest - hour,
            outOfOrderMin: newest - 2n * hour,
          });
        },
      },
    );
    expect(result).toMatchObject({ started: true, firstTime: newest, appended: 0 });
    expect(result.outOfOrder.length).toBe(1);
  });

  test('a thousand host rows among a thousand others are all seen once', () => {
    const shard = newShard();
    const rows = Array.from({ length: 2000 }, (_, i) =>
      i % 2 === 0 ? { name: `s${i}`, histograms: 1 } : { name: `s${i}`, samples: [[newest, one] as const] },
    );
    const asked: number[] = [];
    const result = appendRows(shard, rows, anyTime, {
      onHostRow(row, series) {
        asked.push(row);
        expect(series).toBe(0);
        shard.createSeries(row);
      },
    });
    expect(asked).toEqual(rows.flatMap((row, i) => ('histograms' in row ? [i] : [])));
    expect(result).toMatchObject({ appended: 1000, created: 2000 });
    expect(shard.seriesCount).toBe(2000);
  });
});

test('a chunk for which there is no room changes nothing', () => {
  const shard = newShard({ memoryBytesMax: 32 * 2 ** 20 });
  appendRows(shard, [{ name: 'a', histograms: 1 }], anyTime, {
    onHostRow(row) {
      const s = shard.createSeries(row);
      const chunk = { minTime: 1n, maxTime: 2n, count: 1, encoding: 2, data: Buffer.alloc(64 * 2 ** 20) };
      expect(() => shard.pushChunk(s, chunk)).toThrow(expect.objectContaining({ code: 'HEAD_SHARD_FULL' }));
      expect(shard.series(s).hasSamples).toBe(false);
      shard.pushChunk(s, { ...chunk, data: Buffer.alloc(100) });
    },
  });
  expect(contents(shard)).toEqual({ a: ['1-2 1 of 2'] });
});
