import { decodeChunk } from '@gauntlet/chunk';
import {
  decodeSeries,
  encodeExemplars,
  encodeHistograms,
  encodeMarkers,
  encodeSamples,
  encodeSamplesV2,
  encodeSeries,
  encodeTombstones,
  recordType,
} from '@gauntlet/wal';
import {
  AttachedChunkError,
  createHead,
  openHeadSnapshot,
  type Head,
  type HeadOptions,
  type HeadSnapshotDescription,
} from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { floatHistogram, integerHistogram } from './testing/histograms.js';
import { layOutBatch, type TestRow } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

const start = 1_699_999_200_000; // A multiple of the range.
const stale = 0x7ff0000000000002n;
const options = { chunkRangeMs: 7_200_000, samplesPerChunk: 8 };
const floats = (job: string, from: number, count: number): TestRow => ({
  labels: [['job', job]],
  samples: Array.from({ length: count }, (_, i) => ({ t: BigInt(start + from + i * 1000), bits: BigInt(i) })),
});
const histograms = (job: string, from: number, count: number): TestRow => ({
  labels: [['job', job]],
  samples: [],
  histograms: Array.from({ length: count }, (_, i) => ({
    t: BigInt(start + from + i * 1000),
    histogram: integerHistogram(i),
  })),
});
const fill = (extra: Partial<HeadOptions>, ...rows: TestRow[]) => {
  const head = createHead({ ...options, ...extra });
  const result = head.append(layOutBatch(rows), 0, { timestampMsMax: Infinity });
  return { head, records: result.records.map((record) => Uint8Array.from(record)) };
};
const timesOf = (head: Head, sink?: MemorySink, min?: number, max?: number): Record<string, number[]> =>
  Object.fromEntries(
    dumpInOrder(head, sink && ((stored) => sink.read(stored)), min, max).map(({ labels, samples }) => [
      labels[0]![1],
      samples.map(({ timestampMs }) => Number(timestampMs) - start),
    ]),
  );
const seconds = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => (from + i) * 1000);

describe('spilling', () => {
  test('moves finished chunks to the sink, and none twice', () => {
    const sink = new MemorySink();
    const { head } = fill({ chunkSink: sink }, floats('f', 0, 100), histograms('h', 0, 60));
    const before = timesOf(head, sink); // Finishes open chunks.
    const chunks = head.chunkCount;
    while (head.spill(0));
    expect(sink.chunks.length).toBe(chunks);
    expect(sink.chunks.every(({ isOutOfOrder }) => !isOutOfOrder)).toBe(true);
    expect(new Set(sink.chunks.map(({ encoding }) => encoding))).toEqual(new Set([1, 2]));
    expect(head.oldestChunkFile).toBe(1);
    expect(timesOf(head, sink)).toEqual(before);
    while (head.spill(0));
    expect(sink.chunks.length).toBe(chunks);
  });

  test('waits for a sink that has no room', () => {
    const sink = new MemorySink();
    const { head } = fill({ chunkSink: sink }, floats('f', 0, 100));
    sink.hasRoom = false;
    expect(head.spill(Infinity)).toBe(false);
    expect(sink.chunks).toEqual([]);
    sink.hasRoom = true;
    while (head.spill(0));
    expect(sink.chunks.length).toBeGreaterThan(5);
  });

  test('does nothing without a sink', () => {
    const { head } = fill({}, floats('f', 0, 100));
    expect(head.spill(Infinity)).toBe(false);
    expect([head.oldestChunkFile, Object.keys(timesOf(head))]).toEqual([Infinity, ['f']]);
  });

  test('tells which files are still needed once a truncation has ended', () => {
    const sink = new MemorySink();
    const { head } = fill({ chunkSink: sink }, floats('a', 0, 50));
    while (head.spill(0));
    sink.file = 2;
    head.append(layOutBatch([floats('a', 5_000_000, 50)]), 0, { timestampMsMax: Infinity });
    while (head.spill(0));
    expect(head.oldestChunkFile).toBe(1);
    while (head.truncate(start + 5_000_000, 0));
    expect(head.oldestChunkFile).toBe(2);
    while (head.truncate(start + 6_000_000, 0));
    expect(head.oldestChunkFile).toBe(Infinity);
  });
});

describe('a snapshot', () => {
  /** As another thread gets it. */
  const sent = (description: HeadSnapshotDescription): HeadSnapshotDescription => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(description);
    const { message } = receiveMessageOnPort(port2) as { readonly message: HeadSnapshotDescription };
    port1.close();
    return message;
  };

  test('can be sent to another thread, and read while appends go on', () => {
    const { head } = fill(
      { shardSeriesMax: 3 },
      ...Array.from({ length: 3 }, (_, i) => floats(`a${String(i)}`, 0, 20)),
    );
    head.append(layOutBatch([histograms('b', 0, 30), histograms('c', 0, 3), floats('d', 0, 2)]), 0, {
      timestampMsMax: Infinity,
    });
    const expected = Object.entries(timesOf(head));
    head.append(layOutBatch([floats('a1', 20_000, 3), histograms('c', 20_000, 20)]), 0, { timestampMsMax: Infinity });
    const builder = head.snapshot(start, start + 19_999);
    for (let t = 30_000; builder.prepare(0); t += 1000) {
      head.append(layOutBatch([floats('a0', t, 1), histograms('b', t, 1)]), 0, { timestampMsMax: Infinity });
    }
    const cursor = openHeadSnapshot(sent(builder.description()));
    const seen: [string, number[]][] = [];
    for (let t = 60_000; ; t += 1000) {
      head.append(layOutBatch([floats('a0', t, 1), histograms('b', t, 1), floats(`new${String(t)}`, t, 1)]), 0, {
        timestampMsMax: Infinity,
      });
      const series = cursor.next();
      if (series === undefined) break;
      const samples = series.chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data!));
      seen.push([
        Buffer.from(series.labels).toString('latin1').slice(9),
        samples.map(({ timestampMs }) => Number(timestampMs) - start),
      ]);
    }
    builder.close();
    expect(seen).toEqual(expected.map(([job, times]) => [job, times.filter((t) => t < 20_000)]));
    expect(timesOf(head).b).toEqual(expect.arrayContaining([0, 29_000, 60_000]));
  });

  test('allows no truncation, spilling or second snapshot until it is closed', () => {
    const { head } = fill({ chunkSink: new MemorySink() }, floats('a', 0, 3));
    const builder = head.snapshot(0, Infinity);
    for (const call of [
      () => head.truncate(start + 1, 0),
      () => head.spill(0),
      () => head.snapshot(0, 1),
      () => builder.description(),
    ]) {
      expect(call).toThrow(expect.objectContaining({ name: 'InvariantViolation' }));
    }
    builder.close();
    builder.close();
    expect(() => head.snapshot(0, 1).close()).not.toThrow();
  });
});

describe('deleted intervals', () => {
  const deleted = (ref: number, from: number, to: number) =>
    encodeTombstones([{ ref, minTimeMs: BigInt(start + from), maxTimeMs: BigInt(start + to) }]);

  test.each([false, true])('are left out of what is read, with chunks in files: %p', (isSpilled) => {
    const sink = new MemorySink();
    const { records } = fill({}, floats('f', 0, 40), histograms('h', 0, 40));
    const head = createHead({ ...options, chunkSink: sink });
    for (const record of records) head.replay(record);
    head.replay(deleted(1, 2000, 21_999));
    head.replay(deleted(2, 0, 4000));
    head.replay(deleted(2, 38_000, 99_000));
    head.replay(deleted(77, 0, 99_000)); // Of nobody.
    if (isSpilled) {
      timesOf(head, sink);
      while (head.spill(0));
      expect(sink.chunks.length).toBeGreaterThan(2);
    }
    expect(timesOf(head, sink)).toEqual({ f: [0, 1000, ...seconds(22, 40)], h: seconds(5, 38) });
    expect(timesOf(head, sink, start + 30_000, start + 39_000)).toEqual({ f: seconds(30, 40), h: seconds(30, 38) });
    // A series of which nothing is left is not there, unless its chunks must be read to know.
    expect(timesOf(head, sink, start + 3000, start + 20_000)).toEqual({
      ...(isSpilled && { f: [] }),
      h: seconds(5, 21),
    });
  });

  test('of all times remove the series, and its ref is not used again', () => {
    const { records } = fill(
      { exemplarsMax: 5 },
      { ...floats('f', 0, 3), exemplars: [{ t: 1n, bits: 1n, labels: [] }] },
      histograms('h', 0, 3),
    );
    const head = createHead({ ...options, exemplarsMax: 5 });
    for (const record of records) head.replay(record);
    const all = { minTimeMs: -(2n ** 63n), maxTimeMs: 2n ** 63n - 1n };
    head.replay(
      encodeTombstones([
        { ref: 1, ...all },
        { ref: 2, ...all },
        { ref: 9, ...all },
      ]),
    );
    expect([head.seriesCount, head.exemplars!.size]).toEqual([0, 0]);
    const { records: after } = {
      records: head.append(layOutBatch([floats('f', 9000, 1)]), 0, { timestampMsMax: Infinity }).records,
    };
    expect(after[0]![8]).toBe(10);
    expect(timesOf(head)).toEqual({ f: [9000] });
  });

  test('hold for samples out of order as well', () => {
    const lateOptions = { outOfOrderWindowMs: 3_600_000, outOfOrderCapMax: 4 };
    const { head: writer, records } = fill(lateOptions, floats('f', 100_000, 1));
    const late = writer.append(layOutBatch([floats('f', 0, 10)]), 0, { timestampMsMax: Infinity });
    const head = createHead({ ...options, ...lateOptions });
    for (const record of [...records, deleted(1, 2000, 8500)]) head.replay(record);
    for (const record of late.outOfOrderRecords) head.replayOutOfOrder(record);
    expect(
      dumpLate(head).flatMap(({ samples }) => samples.map(({ timestampMs }) => Number(timestampMs) - start)),
    ).toEqual([0, 1000, 9000]);
  });
});

describe('chunks found in files', () => {
  const spilled = (...rows: TestRow[]) => {
    const sink = new MemorySink();
    const { head, records } = fill({ chunkSink: sink }, ...rows);
    timesOf(head);
    while (head.spill(0));
    return { sink, records };
  };

  test('that overlap are reported, and nothing can be trusted', () => {
    const { sink } = spilled(floats('f', 0, 40));
    const head = createHead(options);
    const [first, second] = sink.attached();
    head.attachStored(first!);
    expect(() => {
      head.attachStored({ ...second!, minTimeMs: first!.maxTimeMs });
    }).toThrow(AttachedChunkError);
    head.attachStored({ ...second!, minTimeMs: first!.maxTimeMs, ref: 99 });
  });

  test('of refs without a series record are forgotten, and so are those that blocks have', () => {
    const { sink, records } = spilled(floats('f', 0, 40), histograms('h', 0, 40));
    const head = createHead(options);
    head.minValidTimeMs = start + 16_000;
    for (const chunk of sink.attached()) head.attachStored(chunk.ref === 1 ? chunk : { ...chunk, ref: 5 });
    for (const record of records) head.replay(record);
    const found = timesOf(head, sink);
    expect(found.f!.at(0)).toBeGreaterThan(0);
    expect(found.f!.filter((t) => t >= 16_000)).toEqual(seconds(16, 40));
    expect(found.h).toEqual(seconds(16, 40));
  });

  test('leave the newest sample known, if the log has it', () => {
    const { sink, records } = spilled(histograms('h', 0, 40), floats('f', 0, 40));
    const head = createHead(options);
    for (const chunk of sink.attached()) head.attachStored(chunk);
    for (const record of records) head.replay(record);
    expect(head.replayed).toMatchObject({ series: 2, samples: 0, dropped: 80 });
    const newest = BigInt(start + 39_000);
    const again: TestRow[] = [
      { labels: [['job', 'h']], samples: [], histograms: [{ t: newest, histogram: integerHistogram(39) }] },
      { labels: [['job', 'f']], samples: [{ t: newest, bits: 39n }] },
    ];
    expect(head.append(layOutBatch(again), 0, { timestampMsMax: Infinity })).toMatchObject({
      hasRejections: false,
      samplesAppended: 0,
    });
    const other: TestRow = {
      labels: [['job', 'h']],
      samples: [],
      histograms: [{ t: newest, histogram: floatHistogram(39) }],
    };
    expect(head.append(layOutBatch([other]), 0, { timestampMsMax: Infinity }).rejected.duplicate).toBe(1);
    // So its end is one of histograms.
    const end: TestRow = { labels: [['job', 'h']], samples: [{ t: newest + 1n, bits: stale }] };
    head.append(layOutBatch([end]), 0, { timestampMsMax: Infinity });
    const [series] = dumpInOrder(head, (stored) => sink.read(stored), start + 39_001);
    expect(series!.samples).toMatchObject([{ histogram: { kind: 'integer', sumBits: stale } }]);
  });
});

test('samples before a marker whose chunk is lost are encoded again before anything else takes its place', () => {
  const sink = new MemorySink();
  const head = createHead({ ...options, chunkSink: sink, outOfOrderWindowMs: 3_600_000 });
  const { records } = fill({}, floats('f', 100_000, 1));
  for (const record of records) head.replay(record);
  const sample = (t: number) => encodeSamples([{ ref: 1, timestampMs: BigInt(start + t), valueBits: 1n }]);
  head.replayOutOfOrder(sample(1));
  head.replayOutOfOrder(encodeMarkers([{ ref: 1, chunkRef: (1n << 32n) | 8n }]));
  head.replayOutOfOrder(sample(2));
  expect(sink.chunks.map(({ minTimeMs, isOutOfOrder }) => [minTimeMs - start, isOutOfOrder])).toEqual([[1, true]]);
  expect(head.outOfOrder.sampleCount).toBe(2);
  expect(head.oldestChunkFile).toBe(1);
});

describe('a new series gets a ref above all that are named by', () => {
  const timestampMs = BigInt(start);
  const sample = { ref: 70, timestampMs, valueBits: 1n };
  const stored = {
    ref: 70,
    minTimeMs: start,
    maxTimeMs: start + 1,
    encoding: 1,
    sampleCount: 2,
    position: { file: 1, offset: 8 },
    dataLength: 20,
  };
  // Of none of them but the first is there a series: its record may have been lost with a damaged file.
  const namings: readonly (readonly [string, (head: Head) => void])[] = [
    ['a series record', (head) => head.replay(encodeSeries([{ ref: 70, labels: [{ name: 'a', value: 'b' }] }]))],
    ['samples', (head) => head.replay(encodeSamples([sample, { ...sample, ref: 7 }]))],
    ['samples with start timestamps', (head) => head.replay(encodeSamplesV2([{ ...sample, startMs: timestampMs }]))],
    [
      'histograms',
      (head) =>
        encodeHistograms([{ ref: 70, timestampMs, histogram: integerHistogram(1) }]).forEach((r) => head.replay(r)),
    ],
    ['exemplars', (head) => head.replay(encodeExemplars([{ ...sample, labels: [] }]))],
    [
      'tombstones',
      (head) => head.replay(encodeTombstones([{ ref: 70, minTimeMs: timestampMs, maxTimeMs: timestampMs }])),
    ],
    ['samples out of order', (head) => head.replayOutOfOrder(encodeSamples([sample]))],
    ['markers', (head) => head.replayOutOfOrder(encodeMarkers([{ ref: 70, chunkRef: 0n }]))],
    ['a chunk in a file', (head) => head.attachStored({ ...stored, isOutOfOrder: false })],
    ['a chunk out of order in a file', (head) => head.attachStored({ ...stored, isOutOfOrder: true })],
    [
      'a chunk in a file that blocks have',
      (head) => {
        head.minValidTimeMs = start + 2;
        head.attachStored({ ...stored, isOutOfOrder: false });
      },
    ],
  ];

  test.each(namings)('%s', (what, name) => {
    for (const isKnown of [true, false]) {
      const head = createHead({ ...options, outOfOrderWindowMs: 3_600_000, exemplarsMax: 10 });
      const isChunk = what.includes('chunk');
      if (isChunk) name(head);
      if (isKnown) head.replay(encodeSeries([{ ref: 3, labels: [{ name: 'job', value: 'known' }] }]));
      if (!isChunk) name(head);
      const { records } = head.append(layOutBatch([floats('new', 10_000, 1)]), 0, { timestampMsMax: Infinity });
      expect(decodeSeries(records[0]!).map(({ ref }) => ref)).toEqual([71]);
    }
  });

  test('anything but samples of a ref that nobody can have given', () => {
    const head = createHead(options);
    head.replay(
      Buffer.concat([
        Buffer.of(2, 0x80, 0, 0, 0, 0, 0, 0, 5),
        Buffer.alloc(8),
        Buffer.from('0000', 'hex'),
        Buffer.alloc(8),
      ]),
    );
    expect(head.replayed.unknownRefs).toBe(1);
    const { records } = head.append(layOutBatch([floats('new', 0, 1)]), 0, { timestampMsMax: Infinity });
    expect(decodeSeries(records[0]!).map(({ ref }) => ref)).toEqual([1]);
  });
});

test('records of unknown types and metadata are passed over', () => {
  const head = createHead(options);
  for (const type of [5, 6, 14, 200]) head.replay(Buffer.of(type, 1, 2, 3));
  head.replay(new Uint8Array(0));
  head.replayOutOfOrder(Buffer.of(1, 2));
  expect([recordType(new Uint8Array(0)), head.seriesCount]).toEqual([0, 0]);
});
