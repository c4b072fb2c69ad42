import { MiB } from '@gauntlet/base';
import type { BlockSeries, SeriesCursor } from '@gauntlet/block';
import { trimChunk, type HeadCursor, type HeadSeries } from '@gauntlet/head';
import { readHeadChunks } from '@gauntlet/head-chunks';
import type { Vfs } from '@gauntlet/vfs';
import { headChunksDir } from './database-layout.js';

/** Series and bytes read from the chunk files at a time: many chunks in few large reads. */
const batchSeriesMax = 65_536;
const batchBytesMax = 32 * MiB;
/** When so many series have all their chunks in memory, there is nothing to wait for. */
const batchSeriesMin = 1024;

/** Series of a head with the bytes of all their chunks: those that lie in chunk files are read, some thousand series at a time. */
export function readableSeries(vfs: Vfs, dir: string, cursor: HeadCursor): SeriesCursor {
  let batch: BlockSeries[] = [];
  let next = 0;
  let isAtEnd = false;
  return {
    next: () => {
      if (next < batch.length) return batch[next++];
      if (isAtEnd) return undefined;
      const gathered = gather(cursor);
      isAtEnd = gathered.isAtEnd;
      const begin = (series: BlockSeries[]): BlockSeries | undefined => {
        batch = series;
        next = 1;
        return batch[0];
      };
      if (gathered.wanted.length === 0) return begin(gathered.series.map((series) => complete(series, [])));
      return load(vfs, headChunksDir(dir), gathered).then(begin);
    },
  };
}

interface Wanted {
  readonly series: number;
  readonly chunk: number;
  readonly position: { readonly file: number; readonly offset: number };
  readonly dataLength: number;
}

interface Gathered {
  readonly series: HeadSeries[];
  readonly wanted: Wanted[];
  readonly isAtEnd: boolean;
}

/** Views of the cursor stay valid while its snapshot is open. */
function gather(cursor: HeadCursor): Gathered {
  const series: HeadSeries[] = [];
  const wanted: Wanted[] = [];
  let bytes = 0;
  while (series.length < batchSeriesMax && bytes < batchBytesMax) {
    if (series.length >= batchSeriesMin && wanted.length === 0) break;
    const found = cursor.next();
    if (found === undefined) return { series, wanted, isAtEnd: true };
    found.chunks.forEach((chunk, index) => {
      if (chunk.stored === undefined) return;
      const { file, offset, dataLength } = chunk.stored;
      wanted.push({ series: series.length, chunk: index, position: { file, offset }, dataLength });
      bytes += dataLength;
    });
    series.push(found);
  }
  return { series, wanted, isAtEnd: false };
}

async function load(vfs: Vfs, dir: string, { series, wanted }: Gathered): Promise<BlockSeries[]> {
  const read: Uint8Array[][] = series.map(() => []);
  await readHeadChunks(vfs, dir, wanted, (index, data) => {
    const { series: at, chunk } = wanted[index]!;
    read[at]![chunk] = data.slice();
  });
  return series.map((found, index) => complete(found, read[index]!));
}

/** @param read data of the stored chunks, by their place in the series */
function complete({ labels, chunks }: HeadSeries, read: readonly Uint8Array[]): BlockSeries {
  return {
    labels,
    chunks: chunks.flatMap((chunk, index) => (chunk.stored === undefined ? [chunk] : trimChunk(chunk, read[index]!))),
  };
}
