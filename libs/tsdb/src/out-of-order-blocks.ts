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
  const { vfs, dir, clock, randomBytes, chunkRangeMs } = options;
  const metas: BlockMeta[] = [];
  for (const window of windowsOf(snapshot, chunkRangeMs)) {
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
  return metas;
}

interface Window {
  readonly minTimeMs: number;
  /** Exclusive. */
  readonly maxTimeMs: number;
}

/** The aligned windows that hold data, oldest first. */
function windowsOf({ series }: OutOfOrderSnapshot, rangeMs: number): Window[] {
  const starts = new Set<number>();
  const add = (timeMs: number): void => void starts.add(Math.floor(timeMs / rangeMs) * rangeMs);
  for (const { chunks, samples } of series) {
    for (const { timestampMs } of samples) add(Number(timestampMs));
    for (const { minTimeMs, maxTimeMs } of chunks) {
      // A chunk without samples in one of its windows makes a block of nothing there, which is left out.
      for (let at = minTimeMs; at < maxTimeMs; at += rangeMs) add(at);
      add(maxTimeMs);
    }
  }
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
