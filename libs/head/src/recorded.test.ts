import { join } from 'node:path';
import { decodeChunk } from '@gauntlet/chunk';
import { createHead } from './index.js';
import { layOutBatch, type TestLabels, type TestRow } from './testing/lay-out-batch.js';
import {
  byLabels,
  dump,
  exemplarsOf,
  json,
  lines,
  openRecorded,
  recorded,
  recordedExemplars,
  recordedWal,
  refsOf,
  withoutHints,
  withoutStart,
} from './testing/open-recorded.js';
import { histogramOf, type RecordedHistogram, type RecordedSeries } from './testing/recorded-samples.js';

describe('a head brought up from recorded files has the samples and exemplars that Prometheus has:', () => {
  test('a log of records of every type', async () => {
    const { head, read } = await openRecorded({ wal: recordedWal('good/all-records-snappy/wal') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('all-records-snappy', 'replayed.jsonl.gz')));
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('all-records-snappy', 'exemplars.json'));
    expect([head.minTimeMs, head.maxTimeMs]).toEqual([1_700_000_000_000, 1_700_000_075_001]);
  });

  test('a log of records with start timestamps, which are left out', async () => {
    const { head, read } = await openRecorded({ wal: recordedWal('good/all-records-v2-none/wal') });
    expect(byLabels(dump(head, read))).toEqual(
      byLabels(withoutStart(lines('all-records-v2-none', 'replayed.jsonl.gz'))),
    );
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('all-records-v2-none', 'exemplars.json'));
  });

  test.each(['all-records-none', 'all-records-zstd'])('the same in another compression: %s', async (name) => {
    const { head, read } = await openRecorded({ wal: recordedWal('good', name, 'wal') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('all-records-snappy', 'replayed.jsonl.gz')));
  });

  test.each(['edges-64KiB-segments-none', 'edges-64KiB-segments-snappy', 'edges-64KiB-segments-zstd'])(
    'a log of full pages, empty, long and unknown records: %s',
    async (name) => {
      const { head, read } = await openRecorded({ wal: recordedWal('good', name, 'wal') });
      expect(byLabels(dump(head, read))).toEqual(byLabels(lines(name, 'replayed.jsonl.gz')));
      expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars(name, 'exemplars.json'));
    },
  );

  test('a checkpoint and the log behind it', async () => {
    const { head, read } = await openRecorded({ wal: recordedWal('checkpoint/after/wal') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('checkpoint', 'replayed.jsonl.gz')));
    expect([head.minTimeMs, head.maxTimeMs]).toEqual([1_700_001_050_000, 1_700_002_145_000]);
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

  test('a killed directory with blocks, a checkpoint, samples out of order and deletions: what is not in blocks', async () => {
    const data = recorded('blockswal', 'data');
    const { head: bounds } = json<{
      readonly head: Record<'minTime' | 'maxTime' | 'minOOOTime' | 'maxOOOTime', string>;
    }>('blockswal', 'case.json');
    const files = { wal: join(data, 'wal'), wbl: join(data, 'wbl'), chunks: join(data, 'chunks_head') };
    const options = { outOfOrderWindowMs: 7_200_000, minValidTimeMs: Number(bounds.minTime) };
    const { head, read } = await openRecorded(files, options);
    expect(byLabels(withoutHints(dump(head, read)))).toEqual(
      byLabels(withoutHints(lines('blockswal', 'dump.jsonl.gz'))),
    );
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('blockswal', 'exemplars.json'));
    const { minTimeMs, maxTimeMs, outOfOrder } = head;
    // Prometheus' head begins where the blocks end, ours with its oldest sample.
    expect(minTimeMs - Number(bounds.minTime)).toBe(80_000);
    expect([maxTimeMs, outOfOrder.minTimeMs, outOfOrder.maxTimeMs]).toEqual(
      [bounds.maxTime, bounds.minOOOTime, bounds.maxOOOTime].map(Number),
    );
  });

  test('the log of a writer of every kind of sample, with conflicts and a commit that was rolled back', async () => {
    const { head, read } = await openRecorded({ wal: recorded('writer', 'data', 'wal') });
    expect(byLabels(dump(head, read))).toEqual(byLabels(lines('writer', 'dump.jsonl')));
    expect(exemplarsOf(head, refsOf(head))).toEqual(recordedExemplars('writer', 'exemplars.json'));
    expect([head.minTimeMs, head.maxTimeMs]).toEqual([1_700_000_000_000, 1_700_000_105_001]);
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
