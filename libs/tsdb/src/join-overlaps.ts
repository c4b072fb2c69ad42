import { decodeChunk, encodeChunks, type ChunkSample } from '@gauntlet/chunk';
import type { SelectedChunk, SelectedSeries, SeriesSource } from '@gauntlet/select';

/**
 * Gives series whose chunks do not overlap: those that do are encoded anew as one run of samples. A Querier takes overlapping chunks for those of
 * replicas, and reads only one of them at a time, so that samples which came late would be lost to it.
 *
 * @param mayJoin whether series with the same labels are one; asked when the first overlap is met
 */
export function joinOverlaps(source: SeriesSource, mayJoin: () => Promise<boolean>): SeriesSource {
  let joins: boolean | undefined;
  const pass = (series: SelectedSeries | undefined): SelectedSeries | undefined | Promise<SelectedSeries> => {
    if (series === undefined || !haveOverlaps(series.chunks) || joins === false) return series;
    if (joins) return joined(series);
    return mayJoin().then((answer) => ((joins = answer) ? joined(series) : series));
  };
  return {
    next() {
      const next = source.next();
      return next instanceof Promise ? next.then(pass) : pass(next);
    },
    close: () => source.close(),
  };
}

/** Chunks are in the order of their first samples. */
function haveOverlaps(chunks: readonly SelectedChunk[]): boolean {
  for (let index = 1; index < chunks.length; index += 1)
    if (chunks[index]!.minTimeMs <= chunks[index - 1]!.maxTimeMs) return true;
  return false;
}

function joined({ labels, chunks }: SelectedSeries): SelectedSeries {
  const apart: SelectedChunk[] = [];
  for (let first = 0; first < chunks.length;) {
    let last = first;
    let { maxTimeMs } = chunks[first]!;
    for (; last + 1 < chunks.length && chunks[last + 1]!.minTimeMs <= maxTimeMs; last += 1)
      maxTimeMs = Math.max(maxTimeMs, chunks[last + 1]!.maxTimeMs);
    if (first === last) apart.push(chunks[first]!);
    else apart.push(...oneRun(chunks.slice(first, last + 1)));
    first = last + 1;
  }
  return { labels, chunks: apart };
}

/** Of several samples at one time that of the chunk that begins first stays. */
function oneRun(chunks: readonly SelectedChunk[]): SelectedChunk[] {
  const samples: ChunkSample[] = chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data));
  samples.sort((a, b) => (a.timestampMs < b.timestampMs ? -1 : a.timestampMs > b.timestampMs ? 1 : 0));
  const distinct = samples.filter(({ timestampMs }, index) => samples[index - 1]?.timestampMs !== timestampMs);
  return encodeChunks(distinct).map(({ encoding, minTimeMs, maxTimeMs, data }) => ({
    ...{ encoding, data },
    ...{ minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs) },
  }));
}
