import type { LabelMatcher } from './matcher.js';
import type { LabelOverlay } from './overlay.js';
import type { Pace } from './pace.js';

/** One chunk as it is sent: whole, whatever part of it the range asks for. */
export interface SelectedChunk {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** The encoding of spec/tsdb.md 1.3: 1 floats, 2 histograms, 3 histograms of floats. */
  readonly encoding: number;
  /** Payload with its sample count. */
  readonly data: Uint8Array;
}

/** A series as the caller sees it. Views are valid until the source's next call. */
export interface SelectedSeries {
  /** Final labels: canonical (model's canonical-labels.ts), after the selection's overlay. */
  readonly labels: Uint8Array;
  /** In the order of their first samples; they may overlap. None when the selection skips chunks. */
  readonly chunks: readonly SelectedChunk[];
}

/**
 * Series one after another, in the order of their final labels. Several in a row may have the same labels, where an overlay has removed what told
 * them apart. Only what is about to be handed out is in memory: a reader that stops costs a source that waits.
 */
export interface SeriesSource {
  /** The next one, or undefined at the end: at once where it can, and as a promise where something has to be read. At most one call at a time. */
  next(): SelectedSeries | undefined | Promise<SelectedSeries | undefined>;
  /** Gives up files and memory; also before the end, and while a `next` is pending. */
  close(): void;
}

/** What both kinds of questions have in common. */
export interface LabelQuery {
  /** All of them must hold, on stored labels. Those on external labels have been judged and left out before. Empty: every series. */
  readonly matchers: readonly LabelMatcher[];
  /** Unix milliseconds, both inclusive; `-Infinity` and `Infinity` for no bound. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** At most so many series, names or values; 0 for all of them. Any ones, not the smallest. */
  readonly limit: number;
  /** Says when to let others have their turn, and ends work that nobody waits for any more. */
  readonly pace: Pace;
}

export interface Selection extends LabelQuery {
  readonly overlay: LabelOverlay;
  readonly skipChunks: boolean;
  /** What the source may hold, about, where a call reads several stores; a store has a bound of its own, and needs some memory in any case. */
  readonly bytesMax?: number;
}

/** Anything that holds series and answers for them: a head, a block, a tenant. */
export interface SeriesStore {
  /** Series that have a chunk in the range, whether or not one of its samples is. */
  select(selection: Selection): Promise<SeriesSource>;
  /** Names of stored labels, in the order of their bytes, each once. */
  labelNames(query: LabelQuery): Promise<readonly string[]>;
  /** Values of a stored label, in the order of their bytes, each once. */
  labelValues(name: string, query: LabelQuery): Promise<readonly string[]>;
}
