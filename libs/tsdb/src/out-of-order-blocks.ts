import { decodeChunk, encodeChunks, type ChunkSample } from '@gauntlet/chunk';
import type { BlockMeta, BlockSeries } from '@gauntlet/block';
import {
  trimChunk,
  type ChunkPosition,
  type OutOfOrderSeries,
  type OutOfOrderSnapshot,
  type StoredHeadChunk,
} from '@gauntlet/head';
import { readHeadChunks } from '@gauntlet/head-chunks';
import { createUlid, ulidRandomBytes } from '@gauntlet/model';
import { deleteBlock } from './block-directory.js';
import type { TsdbOptions } from './tsdb-options.js';
import { headChunksDir } from './database-layout.js';
import { writeBlockDirectory } from './write-block-directory.js';

/** What Prometheus names as the parent of a block that was not cut from in-order data (spec/tsdb.md 4.4). */
const noParent = { ulid: '00000000000000000000000000', minTime: 0, maxTime: 0 };
/** Series whose samples are in memory at a time. */
const seriesAtOnce = 512;

/**
 * Writes out-of-order samples as blocks, one for each window of the chunk range that has some (spec/tsdb.md 5.9): they overlap the ordinary
 * blocks of the same time, and say so by a hint. Resolves with their metas, oldest first.
 */
export async function writeOutOfOrderBlocks(
  options: Pick<TsdbOptions, 'vfs' | 'dir' | 'clock' | 'randomBytes' | 'chunkRangeMs'>,
  snapshot: OutOfOrderSnapshot,
): Promise<BlockMeta[]> {
  const { vfs, dir, clock, randomBytes } = options;
  const metas: BlockMeta[] = [];
  try {
    for (const window of await windowsOf(options, snapshot)) {
      const meta = await writeBlockDirectory(
        vfs,
        clock,
        {
          dir,
          ulid: createUlid(clock.nowMs(), randomBytes(ulidRandomBytes)),
          ...window,
          hints: ['from-out-of-order'],
          parents: [noParent],
        },
        seriesWithin(options, snapshot.series, window),
      );
      if (meta !== undefined) metas.push(meta);
    }
  } catch (error) {
    // The head keeps all of it, and the next time writes it again.
    for (const { ulid } of metas) await deleteBlock(vfs, dir, ulid).catch(() => {});
    throw error;
  }
  return metas;
}

interface Window {
  readonly minTimeMs: number;
  /** Exclusive. */
  readonly maxTimeMs: number;
}

/** The aligned windows that hold data, oldest first. */
async function windowsOf(
  { vfs, dir, chunkRangeMs: rangeMs }: Pick<TsdbOptions, 'vfs' | 'dir' | 'chunkRangeMs'>,
  { series }: OutOfOrderSnapshot,
): Promise<Window[]> {
  const starts = new Set<number>();
  const add = (timeMs: number): void => void starts.add(Math.floor(timeMs / rangeMs) * rangeMs);
  const addAll = (samples: readonly ChunkSample[]): void => {
    for (const { timestampMs } of samples) add(Number(timestampMs));
  };
  const wide: { chunk: StoredHeadChunk; position: ChunkPosition; dataLength: number }[] = [];
  for (const { chunks, samples } of series) {
    addAll(samples);
    for (const chunk of chunks) {
      const { minTimeMs, maxTimeMs, sampleCount } = chunk;
      if (maxTimeMs - minTimeMs <= sampleCount * rangeMs) {
        // A chunk without samples in one of its windows makes a block of nothing there, which is left out.
        for (let at = minTimeMs; at < maxTimeMs; at += rangeMs) add(at);
        add(maxTimeMs);
      } else if (chunk.stored === undefined) addAll(decodeChunk(chunk.encoding, chunk.data));
      else wide.push({ chunk, position: chunk.stored, dataLength: chunk.stored.dataLength });
    }
  }
  // Few samples far apart: most of the windows between them are empty, and there may be millions.
  await readHeadChunks(vfs, `${dir}/chunks_head`, wide, (index, data) => {
    for (const kept of trimChunk(wide[index]!.chunk, data)) addAll(decodeChunk(kept.encoding, kept.data));
  });
  return [...starts].sort((a, b) => a - b).map((start) => ({ minTimeMs: start, maxTimeMs: start + rangeMs }));
}

function seriesWithin(
  { vfs, dir }: Pick<TsdbOptions, 'vfs' | 'dir'>,
  all: readonly OutOfOrderSeries[],
  window: Window,
): { next(): Promise<BlockSeries | undefined> } {
  let at = 0;
  let ready: BlockSeries[] = [];
  return {
    next: async () => {
      while (ready.length === 0) {
        if (at >= all.length) return undefined;
        ready = await readSeries(vfs, headChunksDir(dir), all.slice(at, at + seriesAtOnce), window);
        at += seriesAtOnce;
      }
      return ready.shift();
    },
  };
}

async function readSeries(
  vfs: TsdbOptions['vfs'],
  dir: string,
  series: readonly OutOfOrderSeries[],
  window: Window,
): Promise<BlockSeries[]> {
  const samples: ChunkSample[][] = series.map((found) => [...found.samples]);
  const wanted: { series: number; chunk: StoredHeadChunk; position: ChunkPosition; dataLength: number }[] = [];
  series.forEach(({ chunks }, index) => {
    for (const chunk of chunks) {
      if (chunk.maxTimeMs < window.minTimeMs || chunk.minTimeMs >= window.maxTimeMs) continue;
      if (chunk.stored !== undefined) {
        const { file, offset, dataLength } = chunk.stored;
        wanted.push({ series: index, chunk, position: { file, offset }, dataLength });
      } else samples[index]!.push(...decodeChunk(chunk.encoding, chunk.data));
    }
  });
  await readHeadChunks(vfs, dir, wanted, (index, data) => {
    const { series: at, chunk } = wanted[index]!;
    for (const kept of trimChunk(chunk, data)) samples[at]!.push(...decodeChunk(kept.encoding, kept.data));
  });
  return series.map(({ labels }, index) => ({ labels, chunks: chunksOf(samples[index]!, window) }));
}

/** Of several samples at one time the one that is found first stays: chunks before arrays, older chunks before newer ones. */
function chunksOf(samples: readonly ChunkSample[], { minTimeMs, maxTimeMs }: Window): BlockSeries['chunks'] {
  const inside = samples
    .filter(({ timestampMs }) => timestampMs >= minTimeMs && timestampMs < maxTimeMs)
    .sort((a, b) => (a.timestampMs < b.timestampMs ? -1 : a.timestampMs > b.timestampMs ? 1 : 0));
  const distinct = inside.filter(({ timestampMs }, index) => inside[index - 1]?.timestampMs !== timestampMs);
  return encodeChunks(distinct).map(({ encoding, minTimeMs: min, maxTimeMs: max, sampleCount, data }) => ({
    encoding,
    sampleCount,
    data,
    minTimeMs: Number(min),
    maxTimeMs: Number(max),
  }));
}
