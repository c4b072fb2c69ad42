import { BlockCorruptError, checkChunkSegment, readChunk, type BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { FileSource } from './file-source.js';
import { type Reporter, foundBy } from './finding.js';
import { type SampleCounts, verifySamples } from './verify-samples.js';
import type { ChunkEntry, SeriesEntry } from './verify-series.js';

const segmentHeaderBytes = 8;
const refsPerSegment = 2 ** 32;
/** Chunks of downsampled blocks, which only Thanos reads. */
const aggregateEncoding = 255;
const firstUnreadableEncoding = 4;
const lastEncoding = 6;

/** Segments of a block, in the order of their names, opened and their headers verified (invariant 14). */
export async function openSegments(vfs: Vfs, dir: string, report: Reporter): Promise<FileSource[]> {
  const found = await vfs.stat(`${dir}/chunks`);
  if (found?.kind !== 'directory') {
    report.error(13, 'chunks', 'the directory is missing');
    return [];
  }
  const entries = await vfs.readDir(`${dir}/chunks`);
  const segments: FileSource[] = [];
  for (const { name } of entries.filter((entry) => entry.kind === 'file' && /^\d+$/.test(entry.name))) {
    const segment = await FileSource.open(vfs, `${dir}/chunks/${name}`, `chunks/${name}`);
    segments.push(segment);
    try {
      await checkChunkSegment(segment);
    } catch (error) {
      if (!(error instanceof BlockCorruptError)) throw error;
      report.error(14, { file: segment.name, offset: error.offset }, foundBy(error));
    }
  }
  return segments;
}

/** What chunks have to fit. */
export interface ChunkBounds {
  /** Absent when meta.json cannot be read. */
  readonly meta: BlockMeta | undefined;
  readonly onBytes: (bytes: number) => void;
}

/** Invariants 9 to 17 and 27: the chunks of a block, met in the order of the index. One series' chunks are in memory at a time. */
export class ChunkVerifier {
  readonly counts: SampleCounts = { samples: 0, floats: 0, histograms: 0 };
  chunks = 0;
  /** False when a chunk could not be read: then nobody knows how many samples there are. */
  isWhole = true;
  /** Encodings that Thanos cannot read, and how many chunks have them. */
  #unreadable = 0;
  #aggregates = 0;
  #lastRef = -1;
  /** The segment of the last chunk and its end; undefined behind a chunk that could not be read. */
  #end: { segment: number; offset: number | undefined } = { segment: 0, offset: segmentHeaderBytes };
  #isOrdered = true;
  readonly #segments: readonly FileSource[];
  readonly #report: Reporter;
  readonly #bounds: ChunkBounds;

  constructor(segments: readonly FileSource[], report: Reporter, bounds: ChunkBounds) {
    this.#segments = segments;
    this.#report = report;
    this.#bounds = bounds;
  }

  async verify(series: SeriesEntry, label: () => string): Promise<void> {
    const place = { file: 'index', offset: series.offset };
    if (series.chunks.length === 0) this.#report.error(9, place, `series ${series.ref} ${label()} has no chunk`);
    let last: ChunkEntry | undefined;
    for (const chunk of series.chunks) {
      this.chunks += 1;
      this.#verifyTimes(chunk, last, series, label);
      await this.#verifyChunk(chunk, series, label);
      last = chunk;
    }
  }

  /** What can be said once all chunks were met. */
  async finish(isIndexWhole: boolean): Promise<void> {
    if (this.#unreadable > 0)
      this.#report.warning(
        27,
        'chunks',
        `${this.#unreadable} chunks have encodings 4 to 6, which Thanos and older versions of Prometheus cannot read`,
      );
    if (this.#aggregates > 0)
      this.#report.info(16, 'chunks', `${this.#aggregates} chunks of a downsampled block were not decoded`);
    if (!isIndexWhole || !this.#isOrdered) {
      const why = this.#isOrdered ? 'not all series can be read' : 'chunks are out of order';
      this.#report.info(15, 'chunks', `chunks that no series refers to were not looked for, because ${why}`);
      return;
    }
    this.#leave(this.#segments.length);
  }

  /** Invariants 10 to 12. */
  #verifyTimes(chunk: ChunkEntry, last: ChunkEntry | undefined, series: SeriesEntry, label: () => string): void {
    const { minTimeMs, maxTimeMs } = chunk;
    const place = { file: 'index', offset: series.offset };
    const what = `chunk ${refText(chunk.ref)} of series ${series.ref} ${label()}, [${minTimeMs}, ${maxTimeMs}],`;
    if (minTimeMs > maxTimeMs) this.#report.error(10, place, `${what} ends before it begins`);
    if (last !== undefined && minTimeMs === last.minTimeMs && maxTimeMs === last.maxTimeMs)
      this.#report.warning(11, place, `${what} has the times of the one before it`);
    else if (last !== undefined && minTimeMs <= last.maxTimeMs)
      this.#report.error(10, place, `${what} begins before the one before it has ended, at ${last.maxTimeMs}`);
    if (this.#bounds.meta !== undefined) this.#verifyRange(chunk, this.#bounds.meta, place, what);
  }

  #verifyRange(
    { minTimeMs, maxTimeMs }: ChunkEntry,
    meta: BlockMeta,
    place: { file: string; offset: number },
    what: string,
  ): void {
    const [from, to] = [BigInt(meta.minTime), BigInt(meta.maxTime)];
    if (minTimeMs >= from && maxTimeMs < to) return;
    const block = `the block's [${from}, ${to})`;
    if (maxTimeMs < from || minTimeMs > to) this.#report.error(12, place, `${what} lies wholly outside ${block}`);
    else if (minTimeMs === to) this.#report.error(12, place, `${what} begins where ${block} ends`);
    else if (minTimeMs >= from && maxTimeMs === to)
      this.#report.error(12, place, `${what} has its last sample where ${block} ends, which Thanos tolerates`);
    else this.#report.error(12, place, `${what} reaches out of ${block}`);
  }

  async #verifyChunk(chunk: ChunkEntry, series: SeriesEntry, label: () => string): Promise<void> {
    const segment = this.#verifyRef(chunk, series);
    if (segment === undefined) {
      this.isWhole = false;
      this.#end.offset = undefined;
      return;
    }
    const offset = chunk.ref % refsPerSegment;
    const place = { file: segment.name, offset };
    this.#follow(Math.floor(chunk.ref / refsPerSegment), offset);
    const stored = await this.#read(chunk, place);
    if (stored === undefined) {
      this.isWhole = false;
      this.#end.offset = undefined;
      return;
    }
    const bytes = lengthBytes(stored.data.length) + 1 + stored.data.length + 4;
    this.#end.offset = offset + bytes;
    this.#bounds.onBytes(bytes);
    if (!this.#verifyEncoding(stored.encoding, place)) {
      this.isWhole = false;
      return;
    }
    const what = `of series ${series.ref} ${label()}`;
    const counts = verifySamples(stored, chunk, { report: this.#report, place, what });
    if (counts === undefined) {
      this.isWhole = false;
      return;
    }
    this.counts.samples += counts.samples;
    this.counts.floats += counts.floats;
    this.counts.histograms += counts.histograms;
  }

  /** Invariant 13. */
  #verifyRef({ ref }: ChunkEntry, series: SeriesEntry): FileSource | undefined {
    const place = { file: 'index', offset: series.offset };
    const refuse = (found: string): undefined => {
      this.#report.error(13, place, `series ${series.ref} refers to chunk ${refText(ref)}, ${found}`);
      return undefined;
    };
    if (!Number.isSafeInteger(ref) || ref < 0) return refuse('which is no reference');
    const segment = this.#segments[Math.floor(ref / refsPerSegment)];
    if (segment === undefined) return refuse(`and there are ${this.#segments.length} segments`);
    const offset = ref % refsPerSegment;
    if (offset < segmentHeaderBytes) return refuse('which lies in the header of the segment');
    if (offset >= segment.size) return refuse(`and the segment has ${segment.size} bytes`);
    if (ref <= this.#lastRef) {
      this.#isOrdered = false;
      refuse('which does not come after the one before it');
    }
    this.#lastRef = ref;
    return segment;
  }

  async #read(
    chunk: ChunkEntry,
    place: { file: string; offset: number },
  ): Promise<{ encoding: number; data: Uint8Array } | undefined> {
    try {
      return await readChunk(this.#segments, chunk.ref);
    } catch (error) {
      if (!(error instanceof BlockCorruptError)) throw error;
      this.#report.error(14, { ...place, offset: error.offset }, foundBy(error));
      return undefined;
    }
  }

  /** Invariants 14 and 27; whether the chunk can be decoded. */
  #verifyEncoding(encoding: number, place: { file: string; offset: number }): boolean {
    if (encoding === aggregateEncoding && (this.#bounds.meta?.thanos?.downsample.resolution ?? 0) > 0) {
      this.#aggregates += 1;
      return false;
    }
    if (encoding < 1 || encoding > lastEncoding) {
      this.#report.error(14, place, `the encoding is ${encoding}, which readers do not know`);
      return false;
    }
    if (encoding >= firstUnreadableEncoding) this.#unreadable += 1;
    return true;
  }

  /** Invariant 15: the chunk begins where the last one ended. */
  #follow(segment: number, offset: number): void {
    if (!this.#isOrdered) return;
    if (segment !== this.#end.segment) this.#leave(segment);
    const { offset: end } = this.#end;
    if (end === undefined || end === offset) return;
    const place = { file: this.#segments[segment]!.name, offset: Math.min(end, offset) };
    if (end < offset) this.#report.warning(15, place, `no series refers to the ${offset - end} bytes up to ${offset}`);
    else this.#report.warning(15, place, `a chunk begins here, and the one before it ends at ${end}`);
  }

  /** Goes on to a later segment; those before it should be used up. */
  #leave(segment: number): void {
    for (; this.#end.segment < segment; this.#end = { segment: this.#end.segment + 1, offset: segmentHeaderBytes }) {
      const left = this.#segments[this.#end.segment]!;
      const { offset } = this.#end;
      if (offset === undefined || offset >= left.size) continue;
      const found = `no series refers to the last ${left.size - offset} bytes of the segment`;
      this.#report.warning(15, { file: left.name, offset }, found);
    }
  }
}

/** `2:5081` for a chunk at byte 5081 of the third segment. */
function refText(ref: number): string {
  return `${Math.floor(ref / refsPerSegment)}:${ref % refsPerSegment}`;
}

function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}
