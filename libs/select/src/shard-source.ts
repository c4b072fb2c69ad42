import { xxh64 } from '@gauntlet/base';
import { varintAt, varintEnd } from '@gauntlet/model';
import { CanonicalNames, labelEnd } from './canonical-names.js';
import type { Pace } from './pace.js';
import type { SelectedSeries, SeriesSource } from './series-source.js';

/** A part of all series, chosen by the hash of some of their labels (spec/store-api.md 5.5). */
export interface Shard {
  readonly index: number;
  /** Below 1 for no sharding. */
  readonly count: number;
  /** Whether the labels listed take part, or all others. */
  readonly by: boolean;
  readonly labels: readonly string[];
}

/** The series of one shard, by their final labels. */
export function shardSource(source: SeriesSource, shard: Shard, pace: Pace): SeriesSource {
  return shard.count < 1 ? source : new ShardedSource(source, shard, pace);
}

/** How many series may be passed over between two looks at the clock. */
const seriesPerLook = 64;

class ShardedSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #pace: Pace;
  readonly #test: (labels: Uint8Array) => boolean;

  constructor(source: SeriesSource, shard: Shard, pace: Pace) {
    this.#source = source;
    this.#pace = pace;
    this.#test = shardTest(shard);
  }

  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined> {
    for (let passed = 1; ; passed += 1) {
      const series = this.#source.next();
      if (series instanceof Promise) return this.#nextLater(series);
      if (series === undefined || this.#test(series.labels)) return series;
      if (passed % seriesPerLook === 0 && this.#pace.isDue) return this.#pace.rest().then(() => this.next());
    }
  }

  close(): void {
    this.#source.close();
  }

  async #nextLater(pending: Promise<SelectedSeries | undefined>): Promise<SelectedSeries | undefined> {
    const series = await pending;
    return series === undefined || this.#test(series.labels) ? series : this.next();
  }
}

function shardTest({ index, count, by, labels: listed }: Shard): (labels: Uint8Array) => boolean {
  const names = new CanonicalNames(listed);
  const hash = new Uint32Array(2);
  let input = new Uint8Array(1024);
  return (labels) => {
    // Both separators take the place of a tag and a length, or more.
    if (input.length < labels.length) input = new Uint8Array(labels.length * 2);
    let length = 0;
    for (let at = 0; at < labels.length; at = labelEnd(labels, at)) {
      if (names.has(labels, at) !== by) continue;
      let part = varintEnd(labels, at + 1);
      for (let parts = 0; parts < 2; parts += 1) {
        const start = varintEnd(labels, part + 1);
        const end = start + varintAt(labels, part + 1);
        for (let k = start; k < end; k += 1) input[length++] = labels[k]!;
        input[length++] = 0xff;
        part = end;
      }
    }
    xxh64(input, length, hash, 0);
    return remainder(hash[1]!, hash[0]!, count) === index;
  };
}

/** Of an unsigned 64-bit number in two halves. */
function remainder(high: number, low: number, divisor: number): number {
  if (divisor < 2 ** 21) return ((high % divisor) * 2 ** 32 + low) % divisor;
  // Nobody has so many shards, but they can be asked for.
  return Number(((BigInt(high) << 32n) | BigInt(low)) % BigInt(divisor));
}
