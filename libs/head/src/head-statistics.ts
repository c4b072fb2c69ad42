import { compareUtf8 } from '@gauntlet/model';
import type { Pace } from '@gauntlet/select';
import type { HeadStatistic, HeadStatistics, TimeInterval } from './head.js';
import type { HeldIndex } from './head-index.js';
import { noValue } from './label-index.js';

const valuesPerLook = 64;
/** Ids that take as long as some values. */
const longList = 4096;
/** Rows of a list at most, as many as Prometheus gives: they are held and sorted in one go. */
const rowsMax = 10_000;

/** Counts series by label. */
export async function statisticsOf(
  held: HeldIndex,
  limit: number,
  pace: Pace,
): Promise<Omit<HeadStatistics, keyof TimeInterval | 'seriesCount'>> {
  const { labels } = held;
  const seriesByMetric = new Largest(limit);
  const valuesByName = new Largest(limit);
  const bytesByName = new Largest(limit);
  const seriesByPair = new Largest(limit);
  const countLive = liveCounter(held);
  let labelPairCount = 0;
  let looked = 0;
  for (const { name, newest } of labels.names) {
    let values = 0;
    let bytes = 0;
    for (let value = newest; value !== noValue; value = labels.olderValue(value)) {
      looked += 1;
      if ((looked % valuesPerLook === 0 || labels.count(value) > longList) && pace.isDue) await pace.rest();
      const count = countLive(value);
      if (count === 0) continue;
      values += 1;
      bytes += labels.textLength(value) * count;
      if (seriesByPair.takes(count)) seriesByPair.add(`${name}=${labels.text(value)}`, count);
      if (name === '__name__' && seriesByMetric.takes(count)) seriesByMetric.add(labels.text(value), count);
    }
    labelPairCount += values;
    if (values > 0) valuesByName.add(name, values);
    if (values > 0) bytesByName.add(name, bytes);
  }
  return {
    labelPairCount,
    seriesByMetric: seriesByMetric.list(),
    valuesByName: valuesByName.list(),
    bytesByName: bytesByName.list(),
    seriesByPair: seriesByPair.list(),
  };
}

/** Counts the series of a value that are there. */
function liveCounter({ labels, table }: HeldIndex): (value: number) => number {
  const reader = labels.reader();
  return (value) => {
    if (table.deadCount === 0) return labels.count(value);
    let count = 0;
    reader.open(value);
    while (reader.next()) for (let i = 0; i < reader.length; i += 1) count += Number(table.isAlive(reader.ids[i]!));
    return count;
  };
}

/** Keeps the largest of many: the largest first, then by the bytes of their names. */
class Largest {
  readonly #limit: number;
  #kept: HeadStatistic[] = [];
  /** What is not larger is not among them any more; who comes first of equal ones is free (spec/store-api.md 9.5). */
  #floor = -1;

  constructor(limit: number) {
    this.#limit = Math.max(0, Math.min(limit, rowsMax));
  }

  takes(value: number): boolean {
    return this.#limit > 0 && value > this.#floor;
  }

  add(name: string, value: number): void {
    if (!this.takes(value)) return;
    this.#kept.push({ name, value });
    if (this.#kept.length >= 2 * this.#limit + 64) this.#cut();
  }

  list(): HeadStatistic[] {
    this.#cut();
    return this.#kept;
  }

  #cut(): void {
    this.#kept.sort((a, b) => b.value - a.value || compareUtf8(a.name, b.name));
    this.#kept = this.#kept.slice(0, this.#limit);
    if (this.#kept.length === this.#limit) this.#floor = this.#kept.at(-1)?.value ?? -1;
  }
}
