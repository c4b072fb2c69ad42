import { MiB } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import { shareBudget, type BlockReaders, type Lease, type ReadBudget } from '@gauntlet/block-reader';
import type { Head } from '@gauntlet/head';
import {
  mergeSources,
  mergeTexts,
  type LabelQuery,
  type Selection,
  type SeriesSource,
  type SeriesStore,
} from '@gauntlet/select';
import { joinOverlaps, ownChunks, SourceOverlay } from './join-overlaps.js';
import type { LocalBlocks } from './local-blocks.js';

/** What one call may hold of all the blocks that it reads; less where it reads other databases too. */
const blockBytesMax = 32 * MiB;

export interface DatabaseReaderParts {
  /** The tenant's directory. */
  readonly dir: string;
  readonly blocks: LocalBlocks;
  readonly blockReaders: BlockReaders;
  /** The head, unless a replay is still filling it. */
  readonly head: () => Head | undefined;
}

/** Reads all of a database as one: each sample once, wherever it lies, though cuts move samples from head to blocks meanwhile. */
export class DatabaseReader implements SeriesStore {
  readonly #parts: DatabaseReaderParts;

  constructor(parts: DatabaseReaderParts) {
    this.#parts = parts;
  }

  async select(selection: Selection): Promise<SeriesSource> {
    const { blocks, head } = this.#parts;
    const selectFrom = async (select: (own: Selection) => Promise<SeriesSource | undefined> | undefined) => {
      const overlay = new SourceOverlay(selection.overlay);
      const source = await select({ ...selection, overlay });
      return source && ownChunks(source, overlay);
    };
    // In one turn: the head is held from now on, so that nothing leaves it for a block that is not among these.
    const fromHead = selectFrom((own) => head()?.select({ ...own, inOrderFromMs: blocks.coveredMs }));
    const metas = this.#overlapping(selection);
    const budget = shareBudget(Math.min(blockBytesMax, selection.bytesMax ?? Infinity), metas.length);
    const fromBlocks = metas.map((meta) => selectFrom((own) => this.#selectBlock(meta, own, budget)));
    const opened = await Promise.allSettled([fromHead, ...fromBlocks]);
    const sources = opened.flatMap((result) =>
      result.status === 'fulfilled' && result.value !== undefined ? [result.value] : [],
    );
    const failure = opened.find((result) => result.status === 'rejected');
    if (failure === undefined) return joinOverlaps(mergeSources(sources, { chunks: 'join' }));
    for (const source of sources) source.close();
    throw failure.reason;
  }

  labelNames(query: LabelQuery): Promise<readonly string[]> {
    return this.#labels(query, (store) => store.labelNames(query));
  }

  labelValues(name: string, query: LabelQuery): Promise<readonly string[]> {
    return this.#labels(query, (store) => store.labelValues(name, query));
  }

  async #labels(
    query: LabelQuery,
    ask: (store: SeriesStore) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const head = this.#parts.head();
    let found = head === undefined ? [] : await ask(head);
    for (const meta of this.#overlapping(query)) {
      const lease = await this.#lease(meta);
      if (lease === undefined) continue;
      try {
        found = await mergeTexts([found, await ask(lease.reader)], query.pace);
      } finally {
        lease.release();
      }
      if (query.pace.isDue) await query.pace.rest();
    }
    return query.limit > 0 ? found.slice(0, query.limit) : found;
  }

  async #selectBlock(meta: BlockMeta, selection: Selection, budget: ReadBudget): Promise<SeriesSource | undefined> {
    const lease = await this.#lease(meta);
    if (lease === undefined) return undefined;
    try {
      return leased(await lease.reader.select(selection, budget), lease);
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Undefined when retention has deleted it meanwhile. */
  async #lease(meta: BlockMeta): Promise<Lease | undefined> {
    const { dir, blocks, blockReaders } = this.#parts;
    try {
      return await blockReaders.use(`${dir}/${meta.ulid}`, meta);
    } catch (error) {
      if (blocks.metas.some(({ ulid }) => ulid === meta.ulid)) throw error;
      return undefined;
    }
  }

  /** Blocks that have times in the range; a block's own ends before its maximum. */
  #overlapping({ minTimeMs, maxTimeMs }: Pick<LabelQuery, 'minTimeMs' | 'maxTimeMs'>): BlockMeta[] {
    return this.#parts.blocks.metas.filter(({ minTime, maxTime }) => minTime <= maxTimeMs && maxTime > minTimeMs);
  }
}

/** A source that gives its block back when it is closed. */
function leased(source: SeriesSource, lease: Lease): SeriesSource {
  let isClosed = false;
  return {
    next: () => source.next(),
    close: () => {
      if (isClosed) return;
      isClosed = true;
      source.close();
      lease.release();
    },
  };
}
