import { OperationalError } from '@gauntlet/base';
import {
  ChunkCorruptError,
  CounterReset,
  type ChunkSample,
  type Histogram,
  decodeChunk,
  isStaleHistogram,
  validateHistogram,
} from '@gauntlet/chunk';
import type { InvariantId, Place, Reporter } from './finding.js';

export interface SampleCounts {
  samples: number;
  floats: number;
  histograms: number;
}

/** What is verified, and how findings name it. */
export interface ChunkContext {
  readonly report: Reporter;
  readonly place: Place;
  /** Follows `chunk` or `sample 5`. */
  readonly what: string;
  /** For chunks that the table does not number. */
  readonly invariant?: InvariantId;
}

interface TimeRange {
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
}

/** Invariants 16 and 17: one chunk's samples. Undefined when they cannot be read. */
export function verifySamples(
  chunk: { readonly encoding: number; readonly data: Uint8Array },
  range: TimeRange,
  context: ChunkContext,
): SampleCounts | undefined {
  const { report, place, what, invariant } = context;
  let samples: ChunkSample[];
  try {
    samples = decodeChunk(chunk.encoding, chunk.data);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    // A decoder meets a schema that it does not know, or spans without sense, before any sample.
    const isLayout = error instanceof ChunkCorruptError && /schema|span|bucket|bound/.test(error.message);
    report.error(invariant ?? (isLayout ? 17 : 16), place, `chunk ${what}: ${error.message}`);
    return undefined;
  }
  verifyTimes(samples, range, context);
  const histograms = samples.flatMap((sample) => ('histogram' in sample ? [sample.histogram] : []));
  if (histograms.length > 0) verifyHistograms(histograms, context);
  return { samples: samples.length, floats: samples.length - histograms.length, histograms: histograms.length };
}

/** Invariant 16. */
function verifyTimes(samples: readonly ChunkSample[], range: TimeRange, context: ChunkContext): void {
  const { report, place, what, invariant = 16 } = context;
  const first = samples[0];
  if (first === undefined) return report.error(invariant, place, `chunk ${what} has no samples`);
  if (first.timestampMs !== range.minTimeMs)
    report.error(
      invariant,
      place,
      `chunk ${what} begins at ${first.timestampMs}, and not at ${range.minTimeMs} as stored beside it`,
    );
  const { timestampMs: end } = samples.at(-1)!;
  if (end !== range.maxTimeMs)
    report.error(invariant, place, `chunk ${what} ends at ${end}, and not at ${range.maxTimeMs} as stored beside it`);
  const misplaced = samples.findIndex((sample, at) => at > 0 && sample.timestampMs <= samples[at - 1]!.timestampMs);
  if (misplaced > 0)
    report.error(
      invariant,
      place,
      `sample ${misplaced} ${what}, at ${samples[misplaced]!.timestampMs}, does not come after the one before it`,
    );
}

/** Invariant 17; one finding for each chunk. */
function verifyHistograms(
  histograms: readonly Histogram[],
  { report, place, what, invariant = 17 }: ChunkContext,
): void {
  for (const [at, histogram] of histograms.entries()) {
    const problem = problemOf(histogram, histograms[at - 1]);
    if (problem !== undefined) return report.error(invariant, place, `sample ${at} ${what}: ${problem}`);
  }
}

function problemOf(histogram: Histogram, before: Histogram | undefined): string | undefined {
  if (isStaleHistogram(histogram)) return undefined;
  const problem = validateHistogram(histogram);
  if (problem !== undefined) return problem;
  if (before === undefined) return undefined;
  if (isStaleHistogram(before)) return 'it follows a stale marker, which ends a chunk';
  return histogram.hint === CounterReset.gauge ? undefined : decrease(before, histogram);
}

/** What a counter lost from one sample to the next of a chunk; both have the chunk's layout. */
function decrease(before: Histogram, after: Histogram): string | undefined {
  if (after.count < before.count) return `its count falls from ${before.count} to ${after.count}`;
  if (after.zeroCount < before.zeroCount) return `its zero count falls from ${before.zeroCount} to ${after.zeroCount}`;
  for (const side of ['positive', 'negative'] as const) {
    const [old, now] = [countsOf(before, side), countsOf(after, side)];
    const fallen = now.findIndex((count, bucket) => count < old[bucket]!);
    if (fallen >= 0) return `${side} bucket ${fallen} falls from ${old[fallen]} to ${now[fallen]}`;
  }
  return undefined;
}

function countsOf(histogram: Histogram, side: 'positive' | 'negative'): readonly (number | bigint)[] {
  if (histogram.kind === 'float') return [...histogram[side]];
  let count = 0n;
  return [...histogram[side]].map((difference) => (count += difference));
}
