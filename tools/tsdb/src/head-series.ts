import { int64Max, int64Min } from '@gauntlet/base';
import { type ChunkSample, type EncodedChunk, decodeChunk, encodeChunks, staleHistogram } from '@gauntlet/chunk';
import { type Labels, compareLabels, staleMarkerBits } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import {
  RecordType,
  decodeHistograms,
  decodeSamples,
  decodeSamplesV2,
  decodeSeries,
  decodeTombstones,
  recordType,
  replayWal,
} from '@gauntlet/wal';
import { Reporter } from './finding.js';
import { type SampleRun, type StoredSeries, type TimeRange, withoutDeleted } from './stored-series.js';
import { scanHeadChunks } from './verify-head-chunks.js';

/** What is lost when damage ends the reading of a log. */
export type OnDamage = (problem: string) => void;

/**
 * What a start makes of `chunks_head`, `wal` and `wbl` (spec/tsdb.md 2.7), in label order. Samples are kept encoded, some 2 bytes each, beside a few
 * hundred bytes for each series.
 * @param minValidTimeMs where the newest block ends: nothing before it is in order
 */
export async function readHead(
  vfs: Vfs,
  dir: string,
  minValidTimeMs: bigint,
  onDamage: OnDamage,
): Promise<StoredSeries[]> {
  const head = new Head(minValidTimeMs);
  if (await isDirectory(vfs, `${dir}/chunks_head`)) {
    const report = new Reporter(({ severity, file, offset, found }) => {
      if (severity === 'E') onDamage(`chunks_head/${file} at byte ${offset ?? 0}: ${found}`);
    });
    await scanHeadChunks(vfs, `${dir}/chunks_head`, report, { onChunk: (chunk) => head.takeChunk(chunk) });
  }
  for (const name of ['wal', 'wbl']) {
    if (!(await isDirectory(vfs, `${dir}/${name}`))) continue;
    const { damage } = await replayWal(vfs, `${dir}/${name}`, {
      ...(name === 'wbl' ? { fromSegment: 'first' as const } : {}),
      onRecord: (record) => head.takeRecord(record, name === 'wbl'),
    });
    if (damage !== undefined)
      onDamage(`${name} segment ${damage.at.segment} at byte ${damage.at.offset}: ${damage.problem}`);
  }
  return head.series();
}

async function isDirectory(vfs: Vfs, path: string): Promise<boolean> {
  return (await vfs.stat(path))?.kind === 'directory';
}

/** Samples in the order in which they came, most of them encoded. */
class SampleLog {
  readonly #chunks: EncodedChunk[] = [];
  #open: ChunkSample[] = [];
  last: ChunkSample | undefined;

  add(sample: ChunkSample): void {
    // Out of order starts a new run: chunks ascend.
    if (this.#open.length === 120 || (this.last !== undefined && sample.timestampMs <= this.last.timestampMs))
      this.#seal();
    this.#open.push(sample);
    this.last = sample;
  }

  addChunk(chunk: EncodedChunk, last: ChunkSample | undefined): void {
    this.#seal();
    this.#chunks.push(chunk);
    if (last !== undefined) this.last = last;
  }

  runs(deleted: readonly TimeRange[]): SampleRun[] {
    this.#seal();
    return this.#chunks.map(({ minTimeMs, maxTimeMs, encoding, data }) => ({
      minTimeMs,
      maxTimeMs,
      read: () => Promise.resolve(withoutDeleted(decodeChunk(encoding, data), deleted)),
    }));
  }

  #seal(): void {
    if (this.#open.length > 0) this.#chunks.push(...encodeChunks(this.#open));
    this.#open = [];
  }
}

interface HeadSeries {
  readonly labels: Labels;
  inOrder: SampleLog;
  readonly outOfOrder: SampleLog;
  readonly deleted: TimeRange[];
}

/** Chunks of a reference, before its series is known. */
interface FoundChunks {
  readonly inOrder: SampleLog;
  readonly outOfOrder: SampleLog;
}

type FoundChunk = Parameters<NonNullable<Parameters<typeof scanHeadChunks>[3]>['onChunk']>[0];

class Head {
  readonly #minValidTimeMs: bigint;
  readonly #chunks = new Map<number, FoundChunks>();
  readonly #byRef = new Map<number, HeadSeries>();
  readonly #byLabels = new Map<string, HeadSeries>();
  /** With those that tombstones removed. */
  readonly #all = new Set<HeadSeries>();

  constructor(minValidTimeMs: bigint) {
    this.#minValidTimeMs = minValidTimeMs;
  }

  takeChunk({ ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, data }: FoundChunk): void {
    if (!isOutOfOrder && maxTimeMs < this.#minValidTimeMs) return;
    const found = this.#chunks.get(ref) ?? { inOrder: new SampleLog(), outOfOrder: new SampleLog() };
    this.#chunks.set(ref, found);
    const samples = decodeChunk(encoding, data);
    const chunk = {
      encoding,
      minTimeMs,
      maxTimeMs,
      sampleCount: samples.length,
      data: data.slice(),
    };
    (isOutOfOrder ? found.outOfOrder : found.inOrder).addChunk(chunk, samples.at(-1));
  }

  takeRecord(record: Uint8Array, isOutOfOrder: boolean): void {
    switch (recordType(record)) {
      case RecordType.series:
        for (const { ref, labels } of decodeSeries(record)) this.#name(ref, labels);
        return;
      case RecordType.samples:
        for (const { ref, timestampMs, valueBits } of decodeSamples(record))
          this.#add(ref, { timestampMs, bits: valueBits }, isOutOfOrder);
        return;
      case RecordType.samplesV2:
        for (const { ref, timestampMs, valueBits } of decodeSamplesV2(record))
          this.#add(ref, { timestampMs, bits: valueBits }, isOutOfOrder);
        return;
      case RecordType.histograms:
      case RecordType.floatHistograms:
      case RecordType.customBucketHistograms:
      case RecordType.customBucketFloatHistograms:
      case RecordType.histogramsV2:
      case RecordType.floatHistogramsV2:
        for (const { ref, timestampMs, histogram } of decodeHistograms(record))
          this.#add(ref, { timestampMs, histogram }, isOutOfOrder);
        return;
      case RecordType.tombstones:
        for (const { ref, minTimeMs, maxTimeMs } of decodeTombstones(record))
          this.#delete(ref, { minTimeMs, maxTimeMs });
        return;
      default:
    }
  }

  series(): StoredSeries[] {
    return [...this.#all]
      .map(({ labels, inOrder, outOfOrder, deleted }) => ({
        labels,
        runs: [...inOrder.runs(deleted), ...outOfOrder.runs(deleted)],
      }))
      .sort((a, b) => compareLabels(a.labels, b.labels));
  }

  /** A series record begins the series anew, from the chunks of its reference. */
  #name(ref: number, labels: Labels): void {
    const chunks = this.#chunks.get(ref) ?? { inOrder: new SampleLog(), outOfOrder: new SampleLog() };
    const key = JSON.stringify(labels.map(({ name, value }) => [name, value]));
    const known = this.#byLabels.get(key);
    if (known !== undefined) {
      known.inOrder = chunks.inOrder;
      this.#byRef.set(ref, known);
      return;
    }
    const series = { labels, deleted: [], ...chunks };
    this.#byLabels.set(key, series);
    this.#byRef.set(ref, series);
    this.#all.add(series);
  }

  #add(ref: number, sample: ChunkSample, isOutOfOrder: boolean): void {
    const series = this.#byRef.get(ref);
    if (series === undefined) return;
    if (isOutOfOrder) return series.outOfOrder.add(sample);
    const { last } = series.inOrder;
    if (sample.timestampMs < this.#minValidTimeMs || (last !== undefined && sample.timestampMs <= last.timestampMs))
      return;
    const isStale = 'bits' in sample && sample.bits === staleMarkerBits;
    // A histogram's series ends with a stale marker of its kind, which is logged as a float.
    if (isStale && last !== undefined && 'histogram' in last)
      series.inOrder.add({ timestampMs: sample.timestampMs, histogram: staleHistogram(last.histogram.kind) });
    else series.inOrder.add(sample);
  }

  #delete(ref: number, range: TimeRange): void {
    const series = this.#byRef.get(ref);
    if (series === undefined) return;
    series.deleted.push(range);
    if (range.minTimeMs !== int64Min || range.maxTimeMs !== int64Max) return;
    this.#all.delete(series);
    this.#byRef.delete(ref);
    for (const [key, known] of this.#byLabels) if (known === series) this.#byLabels.delete(key);
  }
}
