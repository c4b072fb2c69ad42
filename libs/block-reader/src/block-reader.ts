import {
  BlockCorruptError,
  type BlockMeta,
  checkChunkSegment,
  type IndexHeader,
  openIndexHeader,
} from '@gauntlet/block';
import type { LabelOverlay, LabelQuery, Selection, SeriesSource, SeriesStore } from '@gauntlet/select';
import type { BlockFiles } from './block-files.js';
import { BlockSelection } from './block-selection.js';
import { ChunkWindow } from './chunk-window.js';
import { type ChunkFilter, EntryBatch } from './entry-batch.js';
import { type FinalOrder, MendedOrder, StoredOrder } from './final-order.js';
import { matchSeries } from './match-series.js';
import { budgetDefault, type ReadBudget } from './read-budget.js';
import { feedOf, type RefFeed } from './ref-feed.js';
import type { RefSet } from './ref-set.js';
import { selectLabelNames, selectLabelValues } from './select-labels.js';
import { SortingFeed } from './sorting-feed.js';

/** An open block. Its files stay open until it is closed, which must wait until no source of it is in use. */
export interface BlockReader extends SeriesStore {
  /** Of the block, both inclusive. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Memory that it takes while nobody asks it. */
  readonly bytesHeld: number;
  readonly fileCount: number;
  select(selection: Selection, budget?: ReadBudget): Promise<SeriesSource>;
  close(): Promise<void>;
}

/**
 * Opens a block for reading; it closes the files that it is given, also when it fails. Symbols and postings offset table are verified now, everything
 * else when it is read.
 * @throws BlockCorruptError
 */
export async function openBlockReader(files: BlockFiles, meta: BlockMeta): Promise<BlockReader> {
  try {
    for (const segment of files.segments) await checkChunkSegment(segment);
    return new OpenBlock(files, meta, await openIndexHeader(files.index));
  } catch (error) {
    await files.close().catch(() => undefined);
    throw error;
  }
}

/** Object, arrays, file handles. */
const bytesHeldMore = 4096;
const stoneBytes = 100;
const entryBytesMin = 256;
const entryBytesMax = 4096;

class OpenBlock implements BlockReader {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly bytesHeld: number;
  readonly fileCount: number;
  readonly #files: BlockFiles;
  readonly #header: IndexHeader;
  readonly #entryBytes: number;

  constructor(files: BlockFiles, { minTime, maxTime, stats }: BlockMeta, header: IndexHeader) {
    this.#files = files;
    this.#header = header;
    this.minTimeMs = minTime;
    // A block's range is half open.
    this.maxTimeMs = maxTime - 1;
    this.fileCount = 1 + files.segments.length;
    const stones = [...files.tombstones.values()].reduce((sum, { length }) => sum + length, 0);
    this.bytesHeld = header.bytesHeld + bytesHeldMore + stones * stoneBytes;
    const mean = (header.seriesEnd - header.seriesFrom) / Math.max(1, stats.numSeries ?? 1);
    this.#entryBytes = Math.ceil(Math.max(entryBytesMin, Math.min(entryBytesMax, 2 * mean)));
  }

  async select(selection: Selection, budget: ReadBudget = budgetDefault): Promise<SeriesSource> {
    const { matchers, pace } = selection;
    const { windowBytes } = budget;
    const header = this.#header;
    const filter: ChunkFilter = {
      minTimeMs: selection.minTimeMs,
      maxTimeMs: selection.maxTimeMs,
      tombstones: this.#files.tombstones,
    };
    const matched = await matchSeries(header, matchers, pace);
    const { feed, order } = await this.#inFinalOrder(selection, matched, filter, budget);
    return new BlockSelection({
      header,
      selection,
      feed,
      order,
      batch: new EntryBatch(header, filter, windowBytes, this.#entryBytes),
      chunks: new ChunkWindow(this.#files.segments, filter, windowBytes),
      windowBytes,
    });
  }

  async labelNames(query: LabelQuery): Promise<string[]> {
    return this.#isWithin(query) ? selectLabelNames(this.#header, query, this.#allEntries()) : [];
  }

  async labelValues(name: string, query: LabelQuery): Promise<string[]> {
    return this.#isWithin(query) ? selectLabelValues(this.#header, name, query, this.#allEntries()) : [];
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  /** Whether a range meets that of the block. Labels are not asked for times of single series (spec/store-api.md 6). */
  #isWithin({ minTimeMs, maxTimeMs }: LabelQuery): boolean {
    return this.minTimeMs <= maxTimeMs && this.maxTimeMs >= minTimeMs;
  }

  #allEntries(): EntryBatch {
    const filter = { minTimeMs: -Infinity, maxTimeMs: Infinity, tombstones: new Map<number, never>() };
    return new EntryBatch(this.#header, filter, budgetDefault.windowBytes, this.#entryBytes);
  }

  async #inFinalOrder(
    { overlay, limit, pace }: Selection,
    matched: RefSet,
    filter: ChunkFilter,
    { windowBytes, sortBytes }: ReadBudget,
  ): Promise<{ feed: RefFeed; order: FinalOrder }> {
    const { table } = this.#header;
    const hidden = overlay.hidden.filter((name) => table.names.has(name));
    const inIndexOrder = { feed: feedOf(matched.cursor()), order: new StoredOrder() };
    if (hidden.length === 0 && overlay.added.length === 0) return inIndexOrder;
    this.#checkSymbolOrder();
    const lastAdded = await this.#lastAdded(overlay);
    if (hidden.length === 0) return { ...inIndexOrder, order: new MendedOrder(lastAdded) };
    const references = await Promise.all(hidden.map((name) => this.#header.symbols.lowerBound(Buffer.from(name))));
    const feed = new SortingFeed({
      cursor: () => matched.cursor(),
      batch: new EntryBatch(this.#header, filter, windowBytes, this.#entryBytes),
      hidden: new Set(references),
      lastAdded,
      limit,
      pace,
      sortBytes,
    });
    return { feed, order: new StoredOrder() };
  }

  /** The reference below which names come before the last added one. */
  async #lastAdded({ added }: LabelOverlay): Promise<number> {
    const last = added.at(-1);
    return last === undefined ? 0 : this.#header.symbols.lowerBound(Buffer.from(last.name));
  }

  /** All writers sort them, and whoever puts series in another order relies on it. */
  #checkSymbolOrder(): void {
    const { symbols, source, toc } = this.#header;
    if (symbols.ascend) return;
    throw new BlockCorruptError('INDEX', { file: source.name, offset: toc.symbols }, 'symbols are not in order');
  }
}
