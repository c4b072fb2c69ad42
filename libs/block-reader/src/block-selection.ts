import type { IndexHeader } from '@gauntlet/block';
import type { SelectedSeries, Selection, SeriesSource } from '@gauntlet/select';
import type { ChunkWindow } from './chunk-window.js';
import type { EntryBatch } from './entry-batch.js';
import type { FinalOrder } from './final-order.js';
import type { RefFeed } from './ref-feed.js';
import { SeriesLabels } from './series-labels.js';
import { SymbolTexts } from './symbol-texts.js';

export interface BlockSelectionOptions {
  readonly header: IndexHeader;
  readonly selection: Selection;
  readonly feed: RefFeed;
  readonly batch: EntryBatch;
  readonly order: FinalOrder;
  readonly chunks: ChunkWindow;
  readonly windowBytes: number;
}

/** The series of a block one after another: a batch of entries is read at a time, and the chunks of some of them. */
export class BlockSelection implements SeriesSource {
  readonly #options: BlockSelectionOptions;
  readonly #texts: SymbolTexts;
  readonly #labels: SeriesLabels;
  /** The next of the ordered entries; those before `loadedEnd`, and from `loadedFrom` on, have their chunks here. */
  #at = 0;
  #loadedFrom = 0;
  #loadedEnd = 0;
  #left: number;
  #isLast = false;
  #isOpen = true;

  constructor(options: BlockSelectionOptions) {
    this.#options = options;
    this.#texts = new SymbolTexts(options.header.symbols, options.windowBytes);
    this.#labels = new SeriesLabels(this.#texts);
    this.#left = options.selection.limit > 0 ? options.selection.limit : Infinity;
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    if (!this.#isOpen) return undefined;
    if (this.#left === 0) {
      this.close();
      return undefined;
    }
    return this.#isAtHand() ? this.#take() : this.#read();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.chunks.clear();
  }

  #isAtHand(): boolean {
    const { order, selection } = this.#options;
    return this.#at < order.count && (selection.skipChunks || this.#at < this.#loadedEnd);
  }

  async #read(): Promise<SelectedSeries | undefined> {
    const { order, selection, chunks, batch } = this.#options;
    try {
      if (this.#at === order.count && !(await this.#readEntries())) this.close();
      // It may have been closed while it waited.
      if (!this.#isOpen) return undefined;
      if (!selection.skipChunks) {
        this.#loadedFrom = this.#at;
        this.#loadedEnd = await chunks.load(batch, order.entries, this.#at, order.count, selection.pace);
      }
    } catch (error) {
      // Whoever closes a source, and its files, does not wait for what it reads.
      if (!this.#isOpen) return undefined;
      this.close();
      throw error;
    }
    return this.#isOpen ? this.#take() : undefined;
  }

  /** Whether there are any more. */
  async #readEntries(): Promise<boolean> {
    const { batch, order, feed, selection } = this.#options;
    while (!this.#isLast && this.#isOpen) {
      const hasMore = await batch.read(order.waiting, feed, selection.pace);
      this.#isLast = !hasMore && !(await feed.refill());
      order.sort(batch, this.#isLast);
      if (order.count === 0) continue;
      await this.#texts.load(batch.symbols, batch.labelAt[batch.count]!);
      this.#at = 0;
      this.#loadedFrom = 0;
      this.#loadedEnd = 0;
      return true;
    }
    return false;
  }

  #take(): SelectedSeries {
    const { batch, order, selection, chunks } = this.#options;
    const { overlay, skipChunks } = selection;
    const index = this.#at;
    this.#at += 1;
    this.#left -= 1;
    const stored = this.#labels.of(batch, order.entries[index]!);
    return {
      labels: overlay.hidden.length === 0 ? stored : overlay.apply(stored),
      chunks: skipChunks ? [] : chunks.of(index - this.#loadedFrom),
    };
  }
}
