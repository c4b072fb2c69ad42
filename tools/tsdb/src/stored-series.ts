import type { ChunkSample } from '@gauntlet/chunk';
import type { Labels } from '@gauntlet/model';

/** A run of samples, decoded when it is wanted. */
export interface SampleRun {
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
  read(): Promise<readonly ChunkSample[]>;
}

/** What one source, a block or the head, has of a series. */
export interface StoredSeries {
  readonly labels: Labels;
  readonly runs: readonly SampleRun[];
}

export interface TimeRange {
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
}

/** Without the samples in the deleted times. */
export function withoutDeleted(samples: readonly ChunkSample[], deleted: readonly TimeRange[]): readonly ChunkSample[] {
  if (deleted.length === 0) return samples;
  return samples.filter(
    ({ timestampMs }) =>
      !deleted.some(({ minTimeMs, maxTimeMs }) => timestampMs >= minTimeMs && timestampMs <= maxTimeMs),
  );
}

/**
 * All samples of a series in time order, from runs that may overlap; of samples with one time, that of the run that comes first. Only runs
 * that overlap each other are decoded at once.
 */
export async function* mergeRuns(runs: readonly SampleRun[], range: TimeRange): AsyncGenerator<ChunkSample> {
  const sorted = runs
    .filter((run) => run.maxTimeMs >= range.minTimeMs && run.minTimeMs <= range.maxTimeMs)
    .sort((a, b) => (a.minTimeMs < b.minTimeMs ? -1 : a.minTimeMs > b.minTimeMs ? 1 : 0));
  for (let from = 0; from < sorted.length;) {
    let end = sorted[from]!.maxTimeMs;
    let to = from + 1;
    for (; to < sorted.length && sorted[to]!.minTimeMs <= end; to += 1)
      if (sorted[to]!.maxTimeMs > end) end = sorted[to]!.maxTimeMs;
    const samples: ChunkSample[] = [];
    for (const run of sorted.slice(from, to)) samples.push(...(await run.read()));
    if (to - from > 1)
      samples.sort((a, b) => (a.timestampMs < b.timestampMs ? -1 : a.timestampMs > b.timestampMs ? 1 : 0));
    let last: bigint | undefined;
    for (const sample of samples) {
      const { timestampMs } = sample;
      if (timestampMs === last || timestampMs < range.minTimeMs || timestampMs > range.maxTimeMs) continue;
      last = timestampMs;
      yield sample;
    }
    from = to;
  }
}
