/** Samples at which a float chunk is aimed, unless configured. */
export const samplesPerChunkDefault = 120;
/** A float chunk longer than this takes no further sample: one of 19 bytes might pass 1,024. */
export const chunkBytesSoft = 1005;

/** End of the chunk range that `timestampMs` lies in; division truncates toward zero, so ranges next to 0 are twice as long. */
export function rangeEnd(timestampMs: number, chunkRangeMs: number): number {
  return Math.trunc(timestampMs / chunkRangeMs) * chunkRangeMs + chunkRangeMs;
}

/** Where to end a chunk that is 1/`ratio` full at `current`, so that the chunks up to `max` come out equal. */
export function estimateEnd(start: number, current: number, max: number, ratio: number): number {
  const chunks = (max - start) / ((current - start + 1) * ratio);
  if (chunks <= 1) return max;
  return Math.trunc(start + (max - start) / Math.floor(chunks));
}

/** What the cut of a float chunk depends on. */
export interface OpenChunk {
  readonly sampleCount: number;
  readonly byteLength: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** End decided so far: rangeEnd of the first sample, later the estimate. */
  readonly nextAtMs: number;
}

/** Whether the sample begins a new chunk, and the end of the chunk that goes on (spec/tsdb.md 1.10). */
export function decideCut(
  chunk: OpenChunk,
  timestampMs: number,
  samplesPerChunk: number,
): { readonly cut: boolean; readonly nextAtMs: number } {
  const quarterFull = chunk.sampleCount === Math.floor(samplesPerChunk / 4);
  const nextAtMs = quarterFull ? estimateEnd(chunk.minTimeMs, chunk.maxTimeMs, chunk.nextAtMs, 4) : chunk.nextAtMs;
  const cut = chunk.byteLength > chunkBytesSoft || timestampMs >= nextAtMs || chunk.sampleCount >= 2 * samplesPerChunk;
  return { cut, nextAtMs };
}

/** Bytes at which a histogram chunk is aimed; at twice as many it ends. */
export const histogramChunkBytesAim = 1024;
/** A histogram chunk within its range does not end with fewer samples, however large they are. */
export const histogramSamplesMin = 10;

/** What the cut of a histogram chunk depends on. */
export interface OpenHistogramChunk extends OpenChunk {
  readonly rangeEndMs: number;
  /** Whether `nextAtMs` is the estimate, which is made once. */
  readonly isEstimated: boolean;
}

/** Whether the histogram begins a new chunk, and what is known of the end of the chunk that goes on. */
export function decideHistogramCut(
  chunk: OpenHistogramChunk,
  timestampMs: number,
): { readonly cut: boolean; readonly nextAtMs: number; readonly isEstimated: boolean } {
  const { byteLength, minTimeMs, maxTimeMs } = chunk;
  let { nextAtMs, isEstimated } = chunk;
  if (!isEstimated && byteLength >= histogramChunkBytesAim / 4) {
    nextAtMs = estimateEnd(minTimeMs, maxTimeMs, nextAtMs, histogramChunkBytesAim / byteLength);
    isEstimated = true;
  }
  const isFull = timestampMs >= nextAtMs || byteLength >= 2 * histogramChunkBytesAim;
  const cut = isFull && (chunk.sampleCount >= histogramSamplesMin || timestampMs >= chunk.rangeEndMs);
  return { cut, nextAtMs, isEstimated };
}
