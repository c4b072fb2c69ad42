import { invariant, systemClock, toInt64, type Clock } from '@gauntlet/base';
import {
  openShardSnapshot,
  type Shard,
  type ShardChunk,
  type ShardSeries,
  type ShardSnapshotReader,
} from '@gauntlet/kernel';
import { compareCanonicalLabels } from '@gauntlet/model';
import type {
  HeadChunk,
  HeadCursor,
  HeadSeries,
  HeadSnapshotBuilder,
  HeadSnapshotDescription,
  TimeInterval,
} from './head.js';
import type { SeriesHost } from './series-host.js';
import { trimTo } from './trim-chunk.js';

/** Series dealt with between two looks at the clock. */
const stepSeries = 1024;

type Ticks = Pick<Clock, 'monotonicMs'>;

/** Takes the shards through their snapshots, one after the other. */
export class ShardsSnapshot implements HeadSnapshotBuilder {
  readonly #shards: readonly Shard[];
  readonly #range: TimeInterval;
  readonly #host: SeriesHost;
  readonly #clock: Ticks;
  readonly #onClose: () => void;
  #ready = 0;
  #isOpen = true;

  constructor(shards: readonly Shard[], range: TimeInterval, host: SeriesHost, clock: Ticks, onClose: () => void) {
    this.#shards = shards;
    this.#range = range;
    this.#host = host;
    this.#clock = clock;
    this.#onClose = onClose;
    const [min, max] = [toInt64(range.minTimeMs), toInt64(range.maxTimeMs)];
    try {
      for (const shard of shards) shard.beginSnapshot(min, max);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  prepare(budgetMs: number): boolean {
    invariant(this.#isOpen, 'the snapshot is open');
    const until = this.#clock.monotonicMs() + budgetMs;
    while (this.#ready < this.#shards.length) {
      const shard = this.#shards[this.#ready]!;
      const { more, hostSeries } = shard.stepSnapshot(stepSeries);
      for (const s of hostSeries) this.#host.finishHistogram({ shard, s });
      if (!more) this.#ready += 1;
      if (this.#clock.monotonicMs() >= until) break;
    }
    return this.#ready < this.#shards.length;
  }

  description(): HeadSnapshotDescription {
    invariant(this.#isOpen && this.#ready === this.#shards.length, 'the snapshot is prepared');
    return {
      ...this.#range,
      shards: this.#shards.map((shard) => shard.snapshotDescription()),
      deleted: this.#host.deletions.within(this.#range),
    };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const shard of this.#shards) shard.endSnapshot();
    this.#onClose();
  }
}

/** Opens a snapshot in any thread. One cursor reads it, once: sorting happens in the snapshot's own memory. */
export function openHeadSnapshot(description: HeadSnapshotDescription, clock: Ticks = systemClock): HeadCursor {
  return new SnapshotCursor(description, clock);
}

interface Lane {
  readonly reader: ShardSnapshotReader;
  /** The next one, which waits for its turn. */
  series: ShardSeries | undefined;
}

/** Merges the series of all shards; each sorts its own. */
class SnapshotCursor implements HeadCursor {
  readonly #description: HeadSnapshotDescription;
  readonly #clock: Ticks;
  readonly #lanes: readonly Lane[];
  /** Shards that are sorted. */
  #ready = 0;
  #isMerging = false;

  constructor(description: HeadSnapshotDescription, clock: Ticks) {
    this.#description = description;
    this.#clock = clock;
    this.#lanes = description.shards.map((shard) => ({ reader: openShardSnapshot(shard), series: undefined }));
  }

  get seriesCount(): number {
    return this.#lanes.reduce((sum, { reader }) => sum + reader.seriesCount, 0);
  }

  prepare(budgetMs: number): boolean {
    const until = this.#clock.monotonicMs() + budgetMs;
    while (this.#ready < this.#lanes.length) {
      if (!this.#lanes[this.#ready]!.reader.prepare(stepSeries)) this.#ready += 1;
      if (this.#clock.monotonicMs() >= until) break;
    }
    return this.#ready < this.#lanes.length;
  }

  next(): HeadSeries | undefined {
    while (this.prepare(Infinity));
    if (!this.#isMerging) {
      this.#isMerging = true;
      for (const lane of this.#lanes) lane.series = lane.reader.next();
    }
    for (;;) {
      const due = this.#smallest();
      if (due?.series === undefined) return undefined;
      const { ref, labels, chunks } = due.series;
      due.series = due.reader.next();
      const seen = this.#visible(Number(ref), chunks);
      if (seen.length > 0) return { ref: Number(ref), labels, chunks: seen };
    }
  }

  close(): void {
    // The memory belongs to who has made the snapshot.
  }

  #smallest(): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of this.#lanes) {
      if (lane.series === undefined) continue;
      if (best?.series === undefined || compareCanonicalLabels(lane.series.labels, best.series.labels) < 0) best = lane;
    }
    return best;
  }

  #visible(ref: number, chunks: readonly ShardChunk[]): HeadChunk[] {
    const deleted = this.#description.deleted.get(ref) ?? [];
    return chunks.flatMap((chunk) => trimTo(headChunk(chunk), this.#description, deleted));
  }
}

function headChunk(chunk: ShardChunk): HeadChunk {
  const { encoding, sampleCount } = chunk;
  const summary = { minTimeMs: Number(chunk.minTime), maxTimeMs: Number(chunk.maxTime), encoding, sampleCount };
  return chunk.data === undefined ? { ...summary, stored: chunk.stored } : { ...summary, data: chunk.data };
}
