import type { Labels } from '@gauntlet/model';
import type { LabelMatcher, Pace, SeriesStore } from '@gauntlet/select';

/** What StoreAPI needs to know of a tenant that has a database, whether or not somebody writes to it. */
export interface TenantReader {
  readonly tenant: string;
  /** Labels of this ingester and the one that names the tenant, in order. */
  readonly externalLabels: Labels;
  /** The start of the oldest block, else of the head; `Infinity` without data. */
  readonly minTimeMs: number;
  /** Why answers may lack something, in words for whoever asked; none as a rule. */
  readonly warnings: readonly string[];
  readonly store: SeriesStore;
  /** Of series with exemplars in the range. None where no exemplars are kept. */
  exemplars(query: ExemplarQuery): Promise<readonly ExemplarSeries[]>;
  /** Of the head; lists have `limit` rows at most. */
  statistics(limit: number, pace: Pace): Promise<TenantStatistics>;
}

/** All tenants of an ingester. Asked anew for each call. */
export interface TenantReaders {
  all(): readonly TenantReader[];
  /** Whether `all` is really all: not before the databases have been opened, nor while they are closed. */
  readonly isReady: boolean;
}

export interface ExemplarQuery {
  /** A series is asked for when it matches all of one of these. Matchers are on stored labels, at least one in each. */
  readonly selectors: readonly (readonly LabelMatcher[])[];
  /** Unix milliseconds, both inclusive. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly pace: Pace;
}

export interface ExemplarSeries {
  /** Stored labels, canonical. */
  readonly labels: Uint8Array;
  readonly exemplars: readonly StoredExemplar[];
}

export interface StoredExemplar {
  readonly labels: Labels;
  /** Of the double: a number could lose the payload of a NaN. */
  readonly valueBits: bigint;
  readonly timestampMs: bigint;
}

/** What a head is made of (spec/store-api.md 9.5); lists have the largest first, then by name. */
export interface TenantStatistics {
  readonly seriesCount: number;
  /** Different pairs of name and value. */
  readonly labelPairCount: number;
  readonly chunkCount: number;
  /** `Infinity` and `-Infinity` without samples. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly seriesByMetric: readonly Statistic[];
  readonly valuesByName: readonly Statistic[];
  readonly bytesByName: readonly Statistic[];
  /** Names are `name=value`. */
  readonly seriesByPair: readonly Statistic[];
}

export interface Statistic {
  readonly name: string;
  readonly value: number;
}
