import { canonicalLabels, compareCanonicalLabels, compareUtf8, labelsOf, type Labels } from '@gauntlet/model';
import type { LabelOverlay } from '../overlay.js';
import type {
  LabelQuery,
  SelectedChunk,
  SelectedSeries,
  Selection,
  SeriesSource,
  SeriesStore,
} from '../series-source.js';

export interface ModelSeries {
  readonly labels: Labels;
  readonly chunks: readonly SelectedChunk[];
}

/** A store over plain arrays, that does everything in the most obvious way: what heads and blocks are compared with. */
export class ModelStore implements SeriesStore {
  readonly #series: readonly ModelSeries[];

  constructor(series: readonly ModelSeries[]) {
    this.#series = series;
  }

  select(selection: Selection): Promise<SeriesSource> {
    const selected = this.#matching(selection).map(({ labels, chunks }) => ({
      labels: canonicalLabels(finalLabels(labels, selection.overlay)),
      chunks: selection.skipChunks ? [] : chunks.filter((chunk) => isInRange(chunk, selection)),
    }));
    selected.sort((a, b) => compareCanonicalLabels(a.labels, b.labels));
    return Promise.resolve(sourceOf(limited(selected, selection)));
  }

  labelNames(query: LabelQuery): Promise<string[]> {
    return this.#texts(query, ({ labels }) => labels.map(({ name }) => name));
  }

  labelValues(name: string, query: LabelQuery): Promise<string[]> {
    return this.#texts(query, ({ labels }) => labels.filter((label) => label.name === name).map(({ value }) => value));
  }

  #texts(query: LabelQuery, textsOf: (series: ModelSeries) => string[]): Promise<string[]> {
    const texts = [...new Set(this.#matching(query).flatMap(textsOf))].sort(compareUtf8);
    return Promise.resolve(limited(texts, query));
  }

  #matching(query: LabelQuery): ModelSeries[] {
    return this.#series.filter(
      ({ labels, chunks }) =>
        chunks.some((chunk) => isInRange(chunk, query)) &&
        query.matchers.every((matcher) => matcher.matches(valueOf(labels, matcher.name))),
    );
  }
}

/** A source over an array. `isAsync` makes it answer with promises. */
export function sourceOf(
  series: readonly SelectedSeries[],
  { isAsync = false } = {},
): SeriesSource & { isClosed: boolean } {
  const rest = series.values();
  return {
    isClosed: false,
    next() {
      const { value } = rest.next() as { value: SelectedSeries | undefined };
      return isAsync ? Promise.resolve(value) : value;
    },
    close() {
      this.isClosed = true;
    },
  };
}

/** Everything that a source gives, copied. */
export async function collect(source: SeriesSource): Promise<SelectedSeries[]> {
  const all: SelectedSeries[] = [];
  for (let series = await source.next(); series !== undefined; series = await source.next()) {
    const chunks = series.chunks.map((chunk) => ({ ...chunk, data: chunk.data.slice() }));
    all.push({ labels: series.labels.slice(), chunks });
  }
  source.close();
  return all;
}

function finalLabels(stored: Labels, { added, hidden }: LabelOverlay): Labels {
  const kept = stored.filter(({ name }) => !hidden.includes(name));
  return labelsOf(Object.fromEntries([...kept, ...added].map(({ name, value }) => [name, value])));
}

function isInRange(chunk: SelectedChunk, { minTimeMs, maxTimeMs }: LabelQuery): boolean {
  return chunk.minTimeMs <= maxTimeMs && chunk.maxTimeMs >= minTimeMs;
}

function valueOf(labels: Labels, name: string): string {
  return labels.find((label) => label.name === name)?.value ?? '';
}

function limited<T>(items: T[], { limit }: LabelQuery): T[] {
  return limit > 0 ? items.slice(0, limit) : items;
}
