import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { loadHeadChunks } from '@gauntlet/head-chunks';
import { decodeCanonicalLabels } from '@gauntlet/kernel';
import { nodeVfs } from '@gauntlet/vfs';
import { replayWal } from '@gauntlet/wal';
import { createHead, openHeadSnapshot, trimChunk, type Head, type HeadChunk, type HeadOptions } from './index.js';
import { layOutBatch, type TestLabels, type TestRow } from './testing/lay-out-batch.js';
import {
  histogramOf,
  recordedSample,
  type RecordedHistogram,
  type RecordedSample,
  type RecordedSeries,
} from './testing/recorded-samples.js';

const recorded = (...path: string[]): string => join(__dirname, '../testdata/recorded', ...path);
const json = <T>(...path: string[]): T => JSON.parse(readFileSync(recorded(...path), 'utf8')) as T;
const lines = <T>(...path: string[]): T[] => {
  const bytes = readFileSync(recorded(...path));
  const text = path.at(-1)!.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
};

/** Brings a head up from a data directory, as a database does. */
async function openRecorded(
  { wal, wbl, chunks }: { readonly wal: string; readonly wbl?: string; readonly chunks?: string },
  options: Partial<HeadOptions> = {},
): Promise<{ readonly head: Head; readonly read: (chunk: HeadChunk) => ChunkSample[] }> {
  const head = createHead({ chunkRangeMs: 7_200_000, exemplarsMax: 1000, ...options });
  const stored = new Map<string, Uint8Array>();
  if (chunks !== undefined) {
    await loadHeadChunks(nodeVfs, chunks, {
      onChunk: (chunk, data) => {
        stored.set(`${String(chunk.position.file)} ${String(chunk.position.offset)}`, data.slice());
        head.attachStored(chunk);
      },
    });
  }
  await replayWal(nodeVfs, wal, {
    onRecord: (record) => {
      head.replay(record);
    },
  });
  if (wbl !== undefined) {
    await replayWal(nodeVfs, wbl, {
      fromSegment: 'first',
      onRecord: (record) => {
        head.replayOutOfOrder(record);
      },
    });
  }
  const read = (chunk: HeadChunk): ChunkSample[] => {
    if (chunk.data !== undefined) return decodeChunk(chunk.encoding, chunk.data);
    const data = stored.get(`${String(chunk.stored.file)} ${String(chunk.stored.offset)}`)!;
    expect(data.length).toBe(chunk.stored.dataLength);
    return trimChunk(chunk, data).flatMap((held) => decodeChunk(held.encoding, held.data));
  };
  return { head, read };
}

/** All that a query over everything returns: of samples with one time, that in order. */
function dump(head: Head, read: (chunk: HeadChunk) => ChunkSample[]): RecordedSeries[] {
  const all = new Map<string, Map<bigint, ChunkSample>>();
  const add = (labels: Uint8Array, samples: Iterable<ChunkSample>): void => {
    const key = Buffer.from(labels).toString('hex');
    if (!all.has(key)) all.set(key, new Map());
    for (const sample of samples)
      if (!all.get(key)!.has(sample.timestampMs)) all.get(key)!.set(sample.timestampMs, sample);
  };
  const builder = head.snapshot(-Infinity, Infinity);
  while (builder.prepare(1));
  const cursor = openHeadSnapshot(builder.description());
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    add(series.labels, series.chunks.flatMap(read));
  }
  builder.close();
  for (const { labels, chunks, samples } of head.outOfOrderSnapshot().series) {
    add(labels, chunks.flatMap(read));
    add(labels, samples);
  }
  return [...all].map(([key, samples]) => ({
    labels: decodeCanonicalLabels(Buffer.from(key, 'hex')).map(([n, v]): [string, string] => [
      n.toString(),
      v.toString(),
    ]),
    samples: [...samples.values()].sort((a, b) => Number(a.timestampMs - b.timestampMs)).map(recordedSample),
  }));
}

const fields = 'kind hint schema zeroThreshold sum count zeroCount posSpans negSpans pos neg custom'.split(' ');

/** As texts, which compare faster than objects do. */
const byLabels = (series: readonly RecordedSeries[]) =>
  new Map(
    series.map(({ labels, samples }) => [
      JSON.stringify(labels),
      samples.map((sample) => JSON.stringify(sample, fields)).join('\n'),
    ]),
  );

/** Start timestamps are not kept. */
const withoutStart = (series: readonly RecordedSeries[]): RecordedSeries[] =>
  series.map(({ labels, samples }) => ({ labels, samples: samples.map(([t, value]) => [t, value] as const) }));

/** Which samples of a merge may say that they follow one another depends on how it was done. */
const withoutHints = (series: readonly RecordedSeries[]): RecordedSeries[] =>
  series.map(({ labels, samples }) => ({
    labels,
    samples: samples.map(([t, value]): RecordedSample => [
      t,
      typeof value === 'string' ? value : { ...value, hint: 'unknown' },
    ]),
  }));

function exemplarsOf(head: Head, labelsOf: ReadonlyMap<number, string>): Map<string, unknown> {
  return new Map(
    [...head.exemplars!.all()].map(({ ref, exemplars }) => [
      labelsOf.get(ref)!,
      exemplars.map(({ timestampMs, valueBits, labels }) => [
        String(timestampMs),
        valueBits.toString(16).padStart(16, '0'),
        labels.map(({ name, value }) => [name, value]),
      ]),
    ]),
  );
}

function refsOf(head: Head): Map<number, string> {
  const refs = new Map<number, string>();
  const cursor = head.cursor(-Infinity, Infinity);
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    const labels = decodeCanonicalLabels(series.labels).map(([n, v]) => [n.toString(), v.toString()]);
    refs.set(series.ref, JSON.stringify(labels));
  }
  cursor.close();
  return refs;
}

interface RecordedExemplars {
  readonly labels: TestLabels;
  readonly exemplars: unknown;
}
const recordedExemplars = (...path: string[]): Map<string, unknown> =>
  new Map(json<RecordedExemplars[]>(...path).map(({ labels, exemplars }) => [JSON.stringify(labels), exemplars]));

const goodWal = (name: string): string => join(__dirname, '../../wal/testdata/good', name, 'wal');

describe('a head brought up from recorded files has the samples and exemplars that Prometheus has:', () => {
  test('a log of records of every type', async () => {
    const { head, read } = await openRecorded({ wal: goodWal('all-records-snappy') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('all-records-snappy', 'replayed.jsonl.gz')));
    const exemplars = recordedExemplars('all-records-snappy', 'exemplars.json');
    // A series that was deleted as a whole, of which the recording has kept one of three by chance.
    for (const labels of exemplars.keys()) if (labels.includes('"metric_1"')) exemplars.delete(labels);
    expect(exemplarsOf(head, refsOf(head))).toEqual(exemplars);
    expect([head.minTimeMs, head.maxTimeMs]).toEqual([1_700_000_000_000, 1_700_000_075_001]);
  });

  test('a log of records with start timestamps, which are left out', async () => {
    const { head, read } = await openRecorded({ wal: goodWal('all-records-v2-none') });
    expect(byLabels(dump(head, read))).toEqual(
      byLabels(withoutStart(lines('all-records-v2-none', 'replayed.jsonl.gz'))),
    );
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('all-records-v2-none', 'exemplars.json'));
  });

  test('a killed directory with a log and head chunks', async () => {
    const data = recorded('headonly', 'data');
    const { head, read } = await openRecorded({ wal: join(data, 'wal'), chunks: join(data, 'chunks_head') });
    expect(head.oldestChunkFile).toBe(1);
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('headonly', 'dump.jsonl.gz')));
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('headonly', 'exemplars.json'));
    expect([head.minTimeMs, head.maxTimeMs]).toEqual([1_700_000_000_000, 1_700_008_085_001]);
  });

  test('the same without its head chunks', async () => {
    const { head, read } = await openRecorded({ wal: recorded('headonly', 'data', 'wal') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('headonly', 'dump.jsonl.gz')));
  });

  test('a killed directory with samples out of order', async () => {
    const data = recorded('wbl', 'data');
    const options = { outOfOrderWindowMs: 14_400_000, outOfOrderCapMax: 8 };
    const files = { wal: join(data, 'wal'), wbl: join(data, 'wbl'), chunks: join(data, 'chunks_head') };
    const { head, read } = await openRecorded(files, options);
    expect(byLabels(withoutHints(dump(head, read)))).toEqual(byLabels(withoutHints(lines('wbl', 'replayed.jsonl.gz'))));
    expect([head.outOfOrder.minTimeMs, head.outOfOrder.maxTimeMs]).toEqual([1_700_000_001_839, 1_700_002_996_217]);
  });

  test('that directory without its head chunks, whose samples the log has as well', async () => {
    const data = recorded('wbl', 'data');
    const options = { outOfOrderWindowMs: 14_400_000, outOfOrderCapMax: 8 };
    const { head, read } = await openRecorded({ wal: join(data, 'wal'), wbl: join(data, 'wbl') }, options);
    expect(byLabels(withoutHints(dump(head, read)))).toEqual(byLabels(withoutHints(lines('wbl', 'replayed.jsonl.gz'))));
  });
});

interface RecordedOperation {
  readonly op: 'float' | 'histogram' | 'exemplar' | 'metadata';
  readonly labels: TestLabels;
  readonly t: string;
  readonly v: string;
  readonly h: RecordedHistogram;
  readonly exemplarLabels: TestLabels;
}

const rowOf = ({ op, labels, t, v, h, exemplarLabels }: RecordedOperation): TestRow[] => {
  if (op === 'metadata') return [];
  if (op === 'histogram') return [{ labels, samples: [], histograms: [{ t: BigInt(t), histogram: histogramOf(h) }] }];
  const bits = BigInt(`0x${v}`);
  if (op === 'float') return [{ labels, samples: [{ t: BigInt(t), bits }] }];
  return [{ labels, samples: [], exemplars: [{ t: BigInt(t), bits, labels: exemplarLabels }] }];
};

describe('what a writer has appended', () => {
  interface Commit {
    readonly commit?: boolean;
    readonly ops?: readonly RecordedOperation[];
  }
  const commits = json<Commit[]>('writer', 'appends.json').filter((commit) => commit.commit === true);
  const run = (exemplarsMax = 10) => {
    const head = createHead({ chunkRangeMs: 7_200_000, exemplarsMax });
    const records = commits.map(({ ops = [] }) => {
      const result = head.append(layOutBatch(ops.flatMap(rowOf)), 0, { timestampMsMax: Infinity });
      return { ...result, records: result.records.map((record) => Buffer.from(record)) };
    });
    return { head, records };
  };

  test('can be read', () => {
    const { head } = run();
    const expected = lines<RecordedSeries>('writer', 'dump.jsonl');
    const whole = dump(head, (chunk) => decodeChunk(chunk.encoding, chunk.data!)).map(({ labels, samples }) => {
      // What it has deleted afterwards is there.
      const isDeleted = (t: string) => labels[0]![1] === 'b' && Number(t) <= 1_700_000_015_000;
      return { labels, samples: samples.filter(([t]) => !isDeleted(t)) };
    });
    expect(whole.flatMap(({ samples }) => samples).length).toBe(21);
    expect(byLabels(whole)).toEqual(byLabels(expected));
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('writer', 'exemplars.json'));
  });

  test('is logged as Prometheus logs it, record for record', () => {
    const logged = lines<{ readonly type: string; readonly record: string }>('writer', 'wal-records.jsonl');
    // Metadata is not kept, and nothing deleted.
    const theirs = logged.filter(({ type }) => type !== 'metadata' && type !== 'tombstones');
    const ours = run().records.flatMap(({ records }) => records.map((record) => record.toString('base64')));
    const different = theirs.flatMap(({ type, record }, i) => (ours.includes(record) ? [] : [[i, type]]));
    expect(different).toEqual([
      // Of a rolled back commit: it has taken ref 8, so that the last series is 9 there and 8 here.
      [13, 'series'],
      // With samples that are then refused.
      [14, 'samples'],
      [18, 'series'],
      [19, 'samples'],
    ]);
    const equal = theirs.map(({ record }) => record).filter((record) => ours.includes(record));
    expect(ours.filter((record) => equal.includes(record))).toEqual(equal);
  });
});
