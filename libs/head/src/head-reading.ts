import type { LabelQuery, Pace, SeriesSource } from '@gauntlet/select';
import type {
  ChunkSource,
  HeadExemplars,
  ExemplarQuery,
  HeadSelectionQuery,
  HeadStatistics,
  TimeInterval,
} from './head.js';
import { HeadIndex, type HeldIndex, type IndexedHead } from './head-index.js';
import { HeadSelection } from './head-selection.js';
import { matchSeries } from './match-series.js';
import { OpenSelections, type OpenSelection } from './open-selections.js';
import { SelectedChunks } from './selected-chunks.js';
import { selectExemplars } from './select-exemplars.js';
import { selectLabelNames, selectLabelValues } from './select-labels.js';
import { grown } from './grown.js';
import type { SeriesHost } from './series-host.js';
import { sortIds } from './sort-ids.js';
import { statisticsOf } from './head-statistics.js';

const idsPerLook = 128;

/** Answers for the series of a head. All of it runs in slices on the thread that appends: between two of them, anything may come, move to a file, or go. */
export class HeadReading {
  readonly index: HeadIndex;
  readonly selections: OpenSelections;
  readonly #host: SeriesHost;
  readonly #chunkSource: ChunkSource | undefined;
  /** All times of the head, out-of-order ones included. */
  readonly #bounds: () => TimeInterval;

  constructor(
    head: IndexedHead & { readonly bounds: () => TimeInterval; readonly check: () => void },
    host: SeriesHost,
    chunkSource: ChunkSource | undefined,
  ) {
    this.index = new HeadIndex(head);
    this.selections = new OpenSelections(head.check);
    this.#host = host;
    this.#chunkSource = chunkSource;
    this.#bounds = head.bounds;
  }

  async select(query: HeadSelectionQuery): Promise<SeriesSource> {
    const { minTimeMs, inOrderFromMs = -Infinity } = query;
    const open = this.selections.open(Math.max(minTimeMs, inOrderFromMs));
    let held: HeldIndex | undefined;
    try {
      held = await this.#hold(query.pace);
      return await this.#select(query, held, open);
    } catch (error) {
      open.close();
      if (held !== undefined) this.index.release(held);
      throw error;
    }
  }

  async #select(query: HeadSelectionQuery, held: HeldIndex, open: OpenSelection): Promise<SeriesSource> {
    const { minTimeMs, maxTimeMs, inOrderFromMs = -Infinity, overlay, pace } = query;
    const chunks = new SelectedChunks(this.#host, { minTimeMs, maxTimeMs, inOrderFromMs });
    const lanes: Uint32Array[] = [];
    for (const [shard, ids] of await this.#gather(query, held, chunks)) {
      lanes.push(await sortIds(this.index, held, shard, ids, overlay, pace));
    }
    open.check();
    return new HeadSelection({
      index: this.index,
      held,
      open,
      overlay,
      chunks: query.skipChunks ? undefined : chunks,
      lanes,
      chunkSource: this.#chunkSource,
      bytesMax: query.bytesMax ?? Infinity,
      onClose: () => {
        this.index.release(held);
      },
    });
  }

  /** Ids of the series that match and have a chunk in the range, by shard. */
  async #gather(
    { matchers, limit, pace }: HeadSelectionQuery,
    held: HeldIndex,
    chunks: SelectedChunks,
  ): Promise<Map<number, Uint32Array>> {
    const { table } = held;
    const { ids, check, isCostly } = await matchSeries(this.index, held, matchers, pace);
    const lanes = new Map<number, { ids: Uint32Array; length: number }>();
    const some = new Uint32Array(32);
    let looked = 0;
    let found = 0;
    for (let word = 0; word < ids.words.length; word += 1) {
      const length = ids.idsOf(word, some, 0);
      for (let i = 0; i < length; i += 1) {
        const id = some[i]!;
        if (isCostly && pace.isDue) await pace.rest();
        if (!table.isAlive(id) || !check(id)) continue;
        const shard = table.shard(id);
        if (!chunks.has(this.index.reader(shard), table.address(id), table.ref(id))) continue;
        let lane = lanes.get(shard);
        if (lane === undefined) lanes.set(shard, (lane = { ids: new Uint32Array(256), length: 0 }));
        if (lane.length === lane.ids.length) lane.ids = grown(lane.ids);
        lane.ids[lane.length++] = id;
        found += 1;
        if (found === limit) return trimmed(lanes);
      }
      looked += length + 1;
      if (looked < idsPerLook) continue;
      looked = 0;
      if (pace.isDue) await pace.rest();
    }
    return trimmed(lanes);
  }

  async labelNames(query: LabelQuery): Promise<readonly string[]> {
    return this.#isWithin(query) ? this.#ask(query.pace, (held) => selectLabelNames(this.index, held, query)) : [];
  }

  async labelValues(name: string, query: LabelQuery): Promise<readonly string[]> {
    return this.#isWithin(query)
      ? this.#ask(query.pace, (held) => selectLabelValues(this.index, held, name, query))
      : [];
  }

  async statistics(limit: number, pace: Pace): Promise<Omit<HeadStatistics, keyof TimeInterval | 'seriesCount'>> {
    return this.#ask(pace, (held) => statisticsOf(held, limit, pace));
  }

  async exemplars(query: ExemplarQuery): Promise<HeadExemplars[]> {
    const { exemplars } = this.#host;
    if (exemplars === undefined || exemplars.size === 0) return [];
    return this.#ask(query.pace, (held) => selectExemplars(this.index, held, exemplars, query));
  }

  /** Whether a range meets that of the head. Labels are not asked for times of single series. */
  #isWithin({ minTimeMs, maxTimeMs }: LabelQuery): boolean {
    const bounds = this.#bounds();
    return minTimeMs <= bounds.maxTimeMs && maxTimeMs >= bounds.minTimeMs;
  }

  async #ask<T>(pace: Pace, answer: (held: HeldIndex) => Promise<T>): Promise<T> {
    const held = await this.#hold(pace);
    try {
      return await answer(held);
    } finally {
      this.index.release(held);
    }
  }

  /** The index with all that had come when nothing was left to do. */
  async #hold(pace: Pace): Promise<HeldIndex> {
    while (this.index.step()) if (pace.isDue || this.index.isWaiting) await pace.rest();
    return this.index.hold();
  }
}

function trimmed(
  lanes: ReadonlyMap<number, { readonly ids: Uint32Array; readonly length: number }>,
): Map<number, Uint32Array> {
  return new Map([...lanes].map(([shard, { ids, length }]) => [shard, ids.subarray(0, length)]));
}
