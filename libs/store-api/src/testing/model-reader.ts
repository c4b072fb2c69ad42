import { canonicalLabels, compareUtf8, type Labels } from '@gauntlet/model';
import type { LabelMatcher } from '@gauntlet/select';
import { ModelStore, type ModelSeries } from '@gauntlet/select/testing';
import type { Statistic, StoredExemplar, TenantReader, TenantReaders, TenantStatistics } from '../tenant-reader.js';

export interface ModelTenant {
  readonly tenant: string;
  readonly externalLabels: Labels;
  readonly series: readonly (ModelSeries & { readonly exemplars?: readonly StoredExemplar[] })[];
}

/** A tenant over plain arrays, that does everything in the most obvious way. */
export function modelReader({ tenant, externalLabels, series }: ModelTenant): TenantReader {
  const times = series.flatMap(({ chunks }) => chunks.flatMap(({ minTimeMs, maxTimeMs }) => [minTimeMs, maxTimeMs]));
  return {
    tenant,
    externalLabels,
    minTimeMs: Math.min(...times),
    warnings: [],
    store: new ModelStore(series),
    exemplars: ({ selectors, minTimeMs, maxTimeMs }) => {
      const found = series
        .filter(({ labels }) => selectors.some((matchers) => doesMatch(labels, matchers)))
        .map(({ labels, exemplars = [] }) => ({
          labels: canonicalLabels(labels),
          exemplars: exemplars.filter(({ timestampMs: t }) => Number(t) >= minTimeMs && Number(t) <= maxTimeMs),
        }));
      return Promise.resolve(found.filter(({ exemplars }) => exemplars.length > 0));
    },
    statistics: (limit) => Promise.resolve(statisticsOf(series, times, limit)),
  };
}

export function readersOf(readers: readonly TenantReader[], isReady = true): TenantReaders {
  return { all: () => readers, isReady };
}

function doesMatch(labels: Labels, matchers: readonly LabelMatcher[]): boolean {
  return matchers.every(({ name, matches }) => matches(labels.find((label) => label.name === name)?.value ?? ''));
}

function statisticsOf(series: readonly ModelSeries[], times: readonly number[], limit: number): TenantStatistics {
  const pairs = new Map<string, Statistic>();
  const [byMetric, values, bytes] = [
    new Map<string, number>(),
    new Map<string, Set<string>>(),
    new Map<string, number>(),
  ];
  for (const { name, value } of series.flatMap(({ labels }) => labels)) {
    const pair = `${name}=${value}`;
    pairs.set(pair, { name: pair, value: (pairs.get(pair)?.value ?? 0) + 1 });
    if (name === '__name__') byMetric.set(value, (byMetric.get(value) ?? 0) + 1);
    values.set(name, (values.get(name) ?? new Set()).add(value));
    bytes.set(name, (bytes.get(name) ?? 0) + Buffer.byteLength(value));
  }
  const top = (rows: Iterable<Statistic>): Statistic[] =>
    [...rows].sort((a, b) => b.value - a.value || compareUtf8(a.name, b.name)).slice(0, limit);
  const rowsOf = (counts: Map<string, number>): Statistic[] => [...counts].map(([name, value]) => ({ name, value }));
  return {
    seriesCount: series.length,
    labelPairCount: pairs.size,
    chunkCount: series.reduce((sum, { chunks }) => sum + chunks.length, 0),
    minTimeMs: Math.min(...times),
    maxTimeMs: Math.max(...times),
    seriesByMetric: top(rowsOf(byMetric)),
    valuesByName: top([...values].map(([name, { size }]) => ({ name, value: size }))),
    bytesByName: top(rowsOf(bytes)),
    seriesByPair: top(pairs.values()),
  };
}
