import { ChunkEncoding, decodeXor, encodeXor } from '@gauntlet/chunk';
import { invariant, type Clock } from '@gauntlet/base';
import type { Shard } from '@gauntlet/kernel';
import { compareLabels } from './compare-labels.js';
import type { HeadChunk, HeadCursor, HeadSeries } from './head.js';

type ShardSeries = NonNullable<ReturnType<Shard['nextSeries']>>;
type ShardChunk = ShardSeries['chunks'][number];

/** Series sorted between two looks at the clock. */
const stepSeries = 1024;

/** Merges the cursors of all shards; each shard sorts its own series. */
export class ShardsCursor implements HeadCursor {
  readonly #min: bigint;
  readonly #max: bigint;
  readonly #lanes: { readonly shard: Shard; ready: boolean; labels: Uint8Array | undefined }[];
  /** The lane whose series was returned last: it moves on only then, because moving ends the validity of its views. */
  #last: number | undefined;
  #isOpen = true;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #onClose: () => void;

  constructor(
    shards: readonly Shard[],
    range: { readonly min: bigint; readonly max: bigint },
    clock: Pick<Clock, 'monotonicMs'>,
    onClose: () => void,
  ) {
    const { min, max } = range;
    this.#clock = clock;
    this.#min = min;
    this.#max = max;
    this.#onClose = onClose;
    for (const shard of shards) shard.openCursor(min, max);
    this.#lanes = shards.map((shard) => ({ shard, ready: false, labels: undefined }));
  }

  get seriesCount(): number {
    return this.#lanes.reduce((sum, { shard }) => sum + shard.cursorSeriesCount, 0);
  }

  prepare(budgetMs: number): boolean {
    invariant(this.#isOpen, 'the cursor is open');
    const until = this.#clock.monotonicMs() + budgetMs;
    for (const lane of this.#lanes) {
      while (!lane.ready) {
        lane.ready = !lane.shard.stepCursor(stepSeries);
        if (this.#clock.monotonicMs() >= until) return this.#lanes.some(({ ready }) => !ready);
      }
    }
    return false;
  }

  next(): HeadSeries | undefined {
    invariant(this.#isOpen, 'the cursor is open');
    while (this.prepare(Infinity));
    const only = this.#lanes.length === 1 ? this.#lanes[0] : undefined;
    const series = only === undefined ? this.#nextOfAll() : only.shard.nextSeries();
    return series && { ref: Number(series.ref), labels: series.labels, chunks: this.#chunks(series) };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { shard } of this.#lanes) shard.closeCursor();
    this.#onClose();
  }

  #nextOfAll(): ShardSeries | undefined {
    const moving = this.#last === undefined ? this.#lanes : [this.#lanes[this.#last]!];
    // A series waits for its turn while others are read and appended to, so its labels are copied; its chunks are looked up when it is due.
    for (const lane of moving) lane.labels = lane.shard.nextLabels()?.slice();
    this.#last = this.#smallest() ?? this.#last;
    const due = this.#last === undefined ? undefined : this.#lanes[this.#last]!;
    return due?.labels && due.shard.currentSeries();
  }

  #smallest(): number | undefined {
    let best: number | undefined;
    for (let i = 0; i < this.#lanes.length; i += 1) {
      const { labels } = this.#lanes[i]!;
      if (labels === undefined) continue;
      if (best === undefined || compareLabels(labels, this.#lanes[best]!.labels!) < 0) best = i;
    }
    return best;
  }

  #chunks(series: ShardSeries): HeadChunk[] {
    const chunks: HeadChunk[] = [];
    for (const chunk of series.chunks) {
      const inside = chunk.minTime >= this.#min && chunk.maxTime <= this.#max;
      const kept = inside ? chunk : clip(chunk, this.#min, this.#max);
      if (kept === undefined) continue;
      chunks.push({
        minTimeMs: Number(kept.minTime),
        maxTimeMs: Number(kept.maxTime),
        encoding: ChunkEncoding.xor,
        sampleCount: kept.sampleCount,
        data: kept.data,
      });
    }
    return chunks;
  }
}

/** The part of a chunk that lies in the range, encoded anew; undefined when no sample does. */
function clip(chunk: ShardChunk, min: bigint, max: bigint): ShardChunk | undefined {
  const samples = decodeXor(chunk.data).filter(({ timestampMs }) => timestampMs >= min && timestampMs <= max);
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return {
    minTime: first.timestampMs,
    maxTime: last.timestampMs,
    sampleCount: samples.length,
    data: encodeXor(samples),
  };
}
