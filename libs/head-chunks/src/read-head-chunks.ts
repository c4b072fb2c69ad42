import { KiB, MiB } from '@gauntlet/base';
import type { Vfs, VfsFile } from '@gauntlet/vfs';
import { headChunkFileName } from './file-names.js';
import { HeadChunkCorruptError, type HeadChunkPosition } from './head-chunk-error.js';
import { dataIn, recordBytes } from './record.js';

export interface WantedHeadChunk {
  readonly position: HeadChunkPosition;
  readonly dataLength: number;
}

/** What lies between two chunks is read along when it is shorter than this: a second read costs more. */
const gapBytesMax = 64 * KiB;
/** One read; a longer record is one by itself. */
const readBytesMax = MiB;

/**
 * Reads many chunks with few large reads: in the order of their positions, each stretch of a file at once. `into` gets each chunk's data
 * with its index in `wanted`, in no promised order; the data are the caller's, and take no more memory than their length. Reads files only: what was
 * appended must have been flushed. Works in any thread, while the files grow.
 * @throws HeadChunkCorruptError when a chunk is not what was written
 */
export async function readHeadChunks(
  vfs: Vfs,
  dir: string,
  wanted: readonly WantedHeadChunk[],
  into: (index: number, data: Uint8Array) => void,
): Promise<void> {
  const buffer = { bytes: Buffer.alloc(0) };
  for (const [number, indexes] of indexesByFile(wanted)) {
    const file = await openFile(vfs, dir, { file: number, offset: wanted[indexes[0]!]!.position.offset });
    try {
      for (let from = 0; from < indexes.length;) from = await readStretch(file, wanted, indexes, from, buffer, into);
    } finally {
      await file.close().catch(() => undefined);
    }
  }
}

async function openFile(vfs: Vfs, dir: string, first: HeadChunkPosition): Promise<VfsFile> {
  try {
    return await vfs.open(`${dir}/${headChunkFileName(first.file)}`, 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new HeadChunkCorruptError(first, 'the file is missing', { cause: error });
  }
}

/** For each file, ascending, the indexes of what is wanted of it, by offset. */
function indexesByFile(wanted: readonly WantedHeadChunk[]): Map<number, Uint32Array> {
  const counts = new Map<number, number>();
  for (const { position } of wanted) counts.set(position.file, (counts.get(position.file) ?? 0) + 1);
  const byFile = new Map<number, Uint32Array>();
  for (const file of [...counts.keys()].sort((a, b) => a - b)) byFile.set(file, new Uint32Array(2 * counts.get(file)!));
  for (const [index, { position }] of wanted.entries()) {
    const pairs = byFile.get(position.file)!;
    const left = counts.get(position.file)! - 1;
    counts.set(position.file, left);
    pairs[2 * left] = index;
    pairs[2 * left + 1] = position.offset;
  }
  for (const [file, pairs] of byFile) {
    // As numbers of 64 bits, offset above index, they sort without a comparator: a million in a tenth of the time.
    new BigUint64Array(pairs.buffer).sort();
    byFile.set(
      file,
      pairs.filter((_, at) => at % 2 === 0),
    );
  }
  return byFile;
}

/** Reads the chunks from `from` on that lie close together. Returns the index behind them. */
async function readStretch(
  file: VfsFile,
  wanted: readonly WantedHeadChunk[],
  indexes: Uint32Array,
  from: number,
  buffer: { bytes: Buffer },
  into: (index: number, data: Uint8Array) => void,
): Promise<number> {
  const start = wanted[indexes[from]!]!.position.offset;
  let end = start;
  let until = from;
  let dataBytes = 0;
  for (; until < indexes.length; until += 1) {
    const { position, dataLength } = wanted[indexes[until]!]!;
    const recordEnd = position.offset + recordBytes(dataLength);
    if (until > from && (position.offset - end > gapBytesMax || recordEnd - start > readBytesMax)) break;
    end = Math.max(end, recordEnd);
    dataBytes += dataLength;
  }
  if (end - start > buffer.bytes.length) buffer.bytes = Buffer.allocUnsafe(Math.max(end - start, readBytesMax));
  const count = await file.read(buffer.bytes.subarray(0, end - start), start);
  const found = buffer.bytes.subarray(0, count);
  const copies = new Uint8Array(dataBytes);
  let copied = 0;
  for (let at = from; at < until; at += 1) {
    const index = indexes[at]!;
    const { position, dataLength } = wanted[index]!;
    const recordAt = position.offset - start;
    const record = found.subarray(recordAt, recordAt + recordBytes(dataLength));
    copies.set(dataIn(record, position, dataLength), copied);
    into(index, copies.subarray(copied, copied + dataLength));
    copied += dataLength;
  }
  return until;
}
