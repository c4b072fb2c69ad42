import { decodeChunk, encodeChunks, type ChunkSample } from '@gauntlet/chunk';
import { touches } from './deletions.js';
import type { ChunkTrim, HeadChunk, HeldHeadChunk, StoredHeadChunk, TimeInterval } from './head.js';

/** What is to be seen of a chunk whose bytes were read from a file: all of it, or its samples encoded anew without those that are not. */
export function trimChunk(chunk: StoredHeadChunk, data: Uint8Array): HeldHeadChunk[] {
  const { minTimeMs, maxTimeMs, encoding, sampleCount } = chunk;
  const held = { minTimeMs, maxTimeMs, encoding, sampleCount, data };
  return chunk.trim === undefined ? [held] : trimmed(held, chunk.trim);
}

/** A chunk as it is to be seen: untouched; encoded anew; or, while its bytes are in a file, with a note of what to leave out. */
export function trimTo(
  chunk: HeadChunk,
  range: TimeInterval,
  deletions: readonly TimeInterval[],
): readonly HeadChunk[] {
  const deleted = deletions.filter((interval) => touches(interval, chunk));
  if (deleted.some((interval) => contains(interval, chunk)) || !touches(chunk, range)) return [];
  if (deleted.length === 0 && contains(range, chunk)) return [chunk];
  const trim: ChunkTrim = { minTimeMs: range.minTimeMs, maxTimeMs: range.maxTimeMs, deleted };
  return chunk.data === undefined ? [{ ...chunk, trim }] : trimmed(chunk, trim);
}

/** The samples that are to be seen. */
export function visible(samples: readonly ChunkSample[], trim: ChunkTrim): ChunkSample[] {
  return samples.filter(({ timestampMs }) => {
    const t = Number(timestampMs);
    return (
      t >= trim.minTimeMs && t <= trim.maxTimeMs && !trim.deleted.some((d) => t >= d.minTimeMs && t <= d.maxTimeMs)
    );
  });
}

function trimmed(chunk: HeldHeadChunk, trim: ChunkTrim): HeldHeadChunk[] {
  // The limit of the original has done its work: nothing grows here.
  const chunks = encodeChunks(visible(decodeChunk(chunk.encoding, chunk.data), trim), { samplesMax });
  return chunks.map(({ minTimeMs, maxTimeMs, encoding, sampleCount, data }) => ({
    minTimeMs: Number(minTimeMs),
    maxTimeMs: Number(maxTimeMs),
    encoding,
    sampleCount,
    data,
  }));
}

/** What a chunk's header can count. */
const samplesMax = 65_535;

function contains(outer: TimeInterval, inner: TimeInterval): boolean {
  return outer.minTimeMs <= inner.minTimeMs && outer.maxTimeMs >= inner.maxTimeMs;
}
