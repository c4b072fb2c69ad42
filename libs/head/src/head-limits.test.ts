import fc from 'fast-check';
import { MiB } from '@gauntlet/base';
import {
  HeadBrokenError,
  Shard,
  ShardFault,
  rowBytes,
  sampleBytes,
  sliceGroup,
  type ScannedBatch,
} from '@gauntlet/kernel';
import { createHead, type Head, type HeadOptions } from './index.js';
import { layOutBatch, type TestRow } from './testing/lay-out-batch.js';

const t0 = 1_700_000_000_000n;
const unbounded = { timestampMsMax: Infinity };
const row = (name: string, samples = 1, padding = ''): TestRow => ({
  labels: [['__name__', name], ...(padding === '' ? [] : [['padding', padding] as const])],
  samples: Array.from({ length: samples }, (_, i) => ({
    t: t0 + BigInt(i),
    bits: (BigInt(i) * 0x123456789abcdefn) & 0x7fffffffffffffffn,
  })),
});

function samplesOf(head: Head): string[] {
  const cursor = head.cursor(-Infinity, Infinity);
  const all: string[] = [];
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    all.push(
      `${String(series.ref)} ${String(series.labels.length)} ${series.chunks.map(({ data }) => Buffer.from(data!).toString('base64')).join(' ')}`,
    );
  }
  cursor.close();
  return all;
}

/** Appends, and expects a head with the same limits to come out the same from the log. */
function expectReplayable(options: Partial<HeadOptions>, batches: readonly ScannedBatch[]): number {
  const head = createHead({ chunkRangeMs: 7_200_000, ...options });
  const log: Uint8Array[] = [];
  let refused = 0;
  for (const batch of batches) {
    try {
      const { records } = head.append(batch, 0, unbounded);
      const types = records.map(([type]) => type!);
      expect(types).toEqual([...types].sort());
      log.push(...records.map((record) => record.slice()));
    } catch (error) {
      expect(['HEAD_SHARD_FULL', 'HEAD_REQUEST_TOO_LARGE']).toContain((error as { code: string }).code);
      refused += 1;
    }
  }
  const reopened = createHead({ chunkRangeMs: 7_200_000, ...options });
  for (const record of log) reopened.replay(record);
  expect(samplesOf(reopened)).toEqual(samplesOf(head));
  return refused;
}

describe('the log of a large request can be replayed:', () => {
  const many = (count: number): ScannedBatch =>
    layOutBatch(Array.from({ length: count }, (_, i) => row(`m${String(i)}`, 1, 'x'.repeat(160))));
  test.each<[string, () => ScannedBatch]>([
    ['many new series', () => many(20_000)],
    ['a label of 20 MB', () => layOutBatch([row('a'), row('big', 1, 'x'.repeat(20 * MiB)), row('b')])],
    ['many samples of a series', () => layOutBatch([row('a', 200_000)])],
    ['a sample repeated over and over', () => repeated(4_400_000)],
  ])('%s', (_name, batch) => {
    expect(expectReplayable({}, [batch()])).toBe(0);
  });

  test('its records are a few megabytes each', () => {
    const head = createHead({ chunkRangeMs: 7_200_000 });
    const { records } = head.append(many(20_000), 0, unbounded);
    expect(records.length).toBeGreaterThan(5);
    for (const record of records) expect(record.length).toBeLessThan(4 * MiB);
  });

  test('one record that holds all of it is replayed too', () => {
    const head = createHead({ chunkRangeMs: 7_200_000 });
    const { records } = head.append(many(20_000), 0, unbounded);
    const series = records.filter(([type]) => type === 1).map((record, i) => record.subarray(i === 0 ? 0 : 1));
    const reopened = createHead({ chunkRangeMs: 7_200_000, shardMemoryBytesMax: 24 * MiB });
    reopened.replay(Buffer.concat(series));
    expect(reopened.replayed.series).toBe(20_000);
    expect(reopened.seriesCount).toBe(20_000);
  });
});

/** One series with one sample, as often as it takes. */
function repeated(times: number): ScannedBatch {
  const batch = layOutBatch([row('a')]);
  const rows = Buffer.from(batch.rows);
  rows.writeUInt32LE(times, 28);
  return { ...batch, rows, samples: Buffer.alloc(times * sampleBytes, batch.samples), sampleCount: times };
}

test('with little memory, what is taken can be replayed, and what is not leaves the head as it was', () => {
  let refused = 0;
  const anyBatch = fc.array(
    fc.record({
      name: fc.integer({ min: 0, max: 20_000 }),
      count: fc.constantFrom(1, 10, 3000),
      samples: fc.constantFrom(1, 2, 50),
      padding: fc.constantFrom(0, 20, 1900, 3000, 300_000),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.array(anyBatch, { minLength: 1, maxLength: 6 }), fc.constantFrom(28, 48), (batches, mebibytes) => {
      const laidOut = batches.map((parts) =>
        layOutBatch(
          parts.flatMap(({ name, count, samples, padding }) => {
            // 3,000 long ones would only make the test slow.
            const n = Math.max(1, Math.min(count, Math.floor(6_000_000 / (padding + samples * 100 + 1))));
            return Array.from({ length: n }, (_, i) => row(`m${String(name + i)}`, samples, 'x'.repeat(padding)));
          }),
        ),
      );
      refused += expectReplayable({ shardMemoryBytesMax: mebibytes * MiB }, laidOut);
    }),
    { numRuns: 4 },
  );
  expect(refused).toBeGreaterThan(0);
});

test('a request that no empty shard could take is rejected for good', () => {
  const head = createHead({ chunkRangeMs: 7_200_000, shardMemoryBytesMax: 32 * MiB });
  const tooLarge = layOutBatch([row('big', 1, 'x'.repeat(16 * MiB))]);
  expect(() => head.append(tooLarge, 0, unbounded)).toThrow(
    expect.objectContaining({ kind: 'rejected', code: 'HEAD_REQUEST_TOO_LARGE' }),
  );
  expect(head.append(layOutBatch([row('a')]), 0, unbounded).samplesAppended).toBe(1);
});

test('a full shard is followed by another, within a request too', () => {
  const head = createHead({ chunkRangeMs: 7_200_000, shardMemoryBytesMax: 48 * MiB });
  for (let i = 0; i < 16; i += 1) {
    head.append(
      layOutBatch(Array.from({ length: 2000 }, (_, j) => row(`m${String(i)}_${String(j)}`, 1, 'x'.repeat(1800)))),
      0,
      unbounded,
    );
  }
  expect(head.seriesCount).toBe(32_000);
  expect(head.memoryBytes).toBeGreaterThan(48 * MiB);
});

test('labels far from each other in the body are not copied with what lies between', () => {
  const [a, b] = [layOutBatch([row('a')]), layOutBatch([row('b')])];
  const far = Buffer.concat([a.body, Buffer.alloc(30 * MiB), b.body]);
  const rows = Buffer.concat([a.rows, b.rows]);
  rows.writeUInt32LE(rows.readUInt32LE(rowBytes + 16) + a.body.length + 30 * MiB, rowBytes + 16);
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const groups = Buffer.from(a.groups);
  groups.writeUInt32LE(2, 12);
  rows.writeUInt32LE(1, rowBytes + 24);
  const batch = {
    ...a,
    rows,
    rowCount: 2,
    body: far,
    groups,
    samples: Buffer.concat([a.samples, b.samples]),
    sampleCount: 2,
  };
  expect(head.append(batch, 0, unbounded).seriesCreated).toBe(2);
  expect(head.memoryBytes).toBeLessThan(MiB);
});

test('where series lie in the table differs from head to head', () => {
  const batch = layOutBatch(Array.from({ length: 500 }, (_, i) => row(`m${String(i)}`)));
  const refsOf = (): bigint[] => {
    const shard = new Shard({ chunkRangeMs: 7_200_000, samplesPerChunk: 120, fault: new ShardFault() });
    const group = sliceGroup(batch, 0);
    expect(shard.reserve(group.need, true)).toBe(true);
    const bounds = { minValid: 0n, appendableMin: 0n, started: true, timestampMax: 2n ** 62n };
    for (const slice of group.slices()) {
      shard.beginAppend(slice, slice.rows, bounds, true, 1n);
      shard.runAppend(0);
      shard.endAppend();
    }
    return [...shard.refs()];
  };
  const [one, other] = [refsOf(), refsOf()];
  expect(one).toHaveLength(500);
  expect(one).not.toEqual(other);
  expect(new Set(one)).toEqual(new Set(other));
});

test('after a call that ended half way, the head takes nothing more', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  head.append(layOutBatch([row('a')]), 0, unbounded);
  // A row with labels outside the memory: no scan makes one, and the kernel traps.
  const bad = layOutBatch([row('b')]);
  Buffer.from(bad.rows.buffer, bad.rows.byteOffset).writeUInt32LE(0x7fff0000, 16);
  Buffer.from(bad.rows.buffer, bad.rows.byteOffset).writeUInt32LE(200, 20);
  expect(() => head.append(bad, 0, unbounded)).toThrow(HeadBrokenError);
  const broken = expect.objectContaining({ kind: 'unavailable', code: 'HEAD_BROKEN' });
  expect(() => head.append(layOutBatch([row('a', 2)]), 0, unbounded)).toThrow(broken);
  expect(() => head.cursor(-Infinity, Infinity)).toThrow(broken);
  expect(() => head.truncate(0, 1)).toThrow(broken);
  expect(head.seriesCount).toBe(1);
});
