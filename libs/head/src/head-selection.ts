import { invariant } from '@gauntlet/base';
import type { LabelOverlay, SelectedChunk, SelectedSeries, SeriesSource } from '@gauntlet/select';
import type { ChunkPosition, ChunkSource, HeldHeadChunk, StoredHeadChunk } from './head.js';
import type { HeadIndex, HeldIndex } from './head-index.js';
import type { OpenSelection } from './open-selections.js';
import { setSampleCount, type FileChunks, type SelectedChunks } from './selected-chunks.js';

/** What is read from files at a time: as much as makes few large reads, and no more than a call may hold. */
const readAheadBytesMax = 1024 * 1024;
const readAheadBytesMin = 64 * 1024;
const readAheadChunks = 4096;
const readAheadSeries = 1024;

export interface HeadSelectionOptions {
  readonly index: HeadIndex;
  readonly held: HeldIndex;
  readonly open: OpenSelection;
  readonly overlay: LabelOverlay;
  /** Undefined when chunks are skipped. */
  readonly chunks: SelectedChunks | undefined;
  /** Sorted ids, shard by shard. */
  readonly lanes: readonly Uint32Array[];
  readonly chunkSource: ChunkSource | undefined;
  /** What it may hold. */
  readonly bytesMax: number;
  readonly onClose: () => void;
}

/** Ids of one shard's series in final order, and how far they have been read. */
interface Lane {
  readonly ids: Uint32Array;
  at: number;
}

/** The series of a head one after another, as they are at the moment they are asked for. */
export class HeadSelection implements SeriesSource {
  readonly #options: HeadSelectionOptions;
  readonly #lanes: Lane[];
  readonly #files = new ReadAhead();
  /** Labels and data of the series that was handed out last. */
  #scratch = new Uint8Array(4096);
  #isOpen = true;

  constructor(options: HeadSelectionOptions) {
    this.#options = options;
    this.#lanes = options.lanes.map((ids) => ({ ids, at: 0 }));
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    if (!this.#isOpen) return undefined;
    this.#options.open.check();
    for (;;) {
      const lane = this.#smallest();
      if (lane === undefined) return undefined;
      const series = this.#read(lane.ids[lane.at]!);
      if (series === 'in files') return this.#readFiles();
      lane.at += 1;
      if (series !== undefined) return series;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#files.clear();
    this.#options.open.close();
    this.#options.onClose();
  }

  /** The lane whose next series comes first. Those that have gone are passed over. */
  #smallest(): Lane | undefined {
    const { table } = this.#options.held;
    let best: Lane | undefined;
    let bestLabels: Uint8Array | undefined;
    for (const lane of this.#lanes) {
      while (lane.at < lane.ids.length && !table.isAlive(lane.ids[lane.at]!)) lane.at += 1;
      if (lane.at === lane.ids.length) continue;
      if (this.#lanes.length === 1) return lane;
      const labels = this.#labels(lane.ids[lane.at]!);
      if (bestLabels !== undefined && this.#options.overlay.compare(labels, bestLabels) >= 0) continue;
      best = lane;
      bestLabels = labels;
    }
    return best;
  }

  #labels(id: number): Uint8Array {
    const { index, held } = this.#options;
    return index.reader(held.table.shard(id)).labels(held.table.address(id));
  }

  /** Undefined when nothing of the series is to be seen. */
  #read(id: number): SelectedSeries | undefined | 'in files' {
    const { index, held, overlay, chunks } = this.#options;
    if (chunks === undefined) return { labels: this.#copy(overlay.apply(this.#labels(id)), []).labels, chunks: [] };
    const { table } = held;
    const found = chunks.all(index.reader(table.shard(id)), table.address(id), table.ref(id), this.#files);
    if (found === undefined) return 'in files';
    return found.length === 0 ? undefined : this.#copy(overlay.apply(this.#labels(id)), found);
  }

  /** The caller may look at a series while others append. */
  #copy(labels: Uint8Array, chunks: readonly HeldHeadChunk[]): SelectedSeries {
    const length = chunks.reduce((sum, { data }) => sum + data.length, labels.length);
    if (length > this.#scratch.length) this.#scratch = new Uint8Array(length * 2);
    const scratch = this.#scratch;
    scratch.set(labels);
    let at = labels.length;
    const copied: SelectedChunk[] = chunks.map(({ minTimeMs, maxTimeMs, encoding, sampleCount, data }) => {
      const begin = at;
      scratch.set(data, begin);
      setSampleCount(scratch, begin, sampleCount);
      at += data.length;
      return { minTimeMs, maxTimeMs, encoding, data: scratch.subarray(begin, at) };
    });
    return { labels: scratch.subarray(0, labels.length), chunks: copied };
  }

  async #readFiles(): Promise<SelectedSeries | undefined> {
    const { chunkSource, open } = this.#options;
    invariant(chunkSource !== undefined, 'a head that moves chunks to files is given a way to read them');
    const wanted = this.#nextStored();
    try {
      await this.#files.read(chunkSource, wanted);
    } catch (error) {
      // A truncation that did not wait may have taken the files.
      open.check();
      // One that had no need to wait has taken files with chunks that are in a block now, which the caller reads too.
      const still = new Set(this.#nextStored().map(keyOf));
      if (wanted.every((chunk) => still.has(keyOf(chunk)))) throw error;
    }
    // A chunk may have gone to a file meanwhile; then it is read as well.
    return this.next();
  }

  /** Chunks in files of the series that come next. */
  #nextStored(): StoredHeadChunk['stored'][] {
    const { index, held, chunks } = this.#options;
    const { table } = held;
    const wanted: StoredHeadChunk['stored'][] = [];
    let bytes = 0;
    const seriesMax = Math.ceil(readAheadSeries / this.#lanes.length);
    const readAheadBytes = Math.max(readAheadBytesMin, Math.min(readAheadBytesMax, this.#options.bytesMax / 4));
    for (let n = 0; n < seriesMax && bytes < readAheadBytes && wanted.length < readAheadChunks; n += 1) {
      for (const { ids, at } of this.#lanes) {
        const id = ids[at + n];
        if (id === undefined || !table.isAlive(id)) continue;
        const before = wanted.length;
        chunks!.stored(index.reader(table.shard(id)), table.address(id), table.ref(id), wanted);
        for (let i = before; i < wanted.length; i += 1) bytes += wanted[i]!.dataLength;
      }
    }
    return wanted;
  }
}

function keyOf({ file, offset }: ChunkPosition): number {
  return file * 2 ** 32 + offset;
}

/** What has been read of files, for the series that come next. */
class ReadAhead implements FileChunks {
  readonly #chunks = new Map<number, Uint8Array>();

  get(position: ChunkPosition): Uint8Array | undefined {
    return this.#chunks.get(keyOf(position));
  }

  async read(source: ChunkSource, wanted: readonly StoredHeadChunk['stored'][]): Promise<void> {
    this.#chunks.clear();
    await source.read(wanted, (index, data) => {
      this.#chunks.set(keyOf(wanted[index]!), data);
    });
  }

  clear(): void {
    this.#chunks.clear();
  }
}
