import type { Vfs } from '@gauntlet/vfs';
import { headChunkFileName, type HeadChunkFileEntry, listHeadChunkFiles } from './file-names.js';
import type { HeadChunkPosition } from './head-chunk-error.js';
import { type FileOutcome, type FileVisitor, readChunkFile } from './read-file.js';
import { type HeadChunkRecord, sampleCountOf } from './record.js';
import { setAside, unfinishedEnding } from './set-aside.js';

/** A chunk in a file. */
export interface StoredHeadChunk extends Omit<HeadChunkRecord, 'data'> {
  readonly sampleCount: number;
  readonly position: HeadChunkPosition;
  /** Where the data begin in the file. */
  readonly dataOffset: number;
  readonly dataLength: number;
}

export interface LoadHeadChunksOptions {
  /**
   * Takes one chunk, in the order in which they were written. `data` is valid during the call only. An error of kind `corrupt` says
   * that the chunk makes no sense, and counts as damage at that chunk; any other ends the load with that error.
   */
  readonly onChunk: (chunk: StoredHeadChunk, data: Uint8Array) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  /** Ends the load with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface HeadChunkDamage extends HeadChunkPosition {
  readonly problem: string;
  /** Names, in the directory, of what is no longer read. Nothing is deleted. */
  readonly setAside: readonly string[];
}

export interface LoadedHeadChunks {
  /** Files that were read, a damaged one among them. */
  readonly files: number;
  readonly chunks: number;
  /** Set when a file is damaged or missing; everything before it was visited, nothing behind it. */
  readonly damage?: HeadChunkDamage;
}

/**
 * Visits all chunks of a directory, in order, and mends it (spec/tsdb.md 3.3, 3.4). Where a file is damaged or missing, everything before that stays; the
 * damaged file and all later ones are set aside. Later chunks are left out although they may be good: the log still has all their
 * samples, and a series whose chunks had a hole would take its later ones to mean that nothing before them is missing.
 *
 * A last file of which nothing reached the disk is removed. The last file is made durable before anything is written behind it, so that a
 * power loss can never shorten any but the last.
 */
export async function loadHeadChunks(vfs: Vfs, dir: string, options: LoadHeadChunksOptions): Promise<LoadedHeadChunks> {
  const entries = await tidy(vfs, dir);
  const sizes: number[] = [];
  for (const { name } of entries) sizes.push((await vfs.stat(`${dir}/${name}`))?.size ?? 0);
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0);
  let bytesBefore = 0;
  let chunks = 0;
  for (const [index, entry] of entries.entries()) {
    const { file } = entry;
    const expected = (entries[index - 1]?.file ?? file - 1) + 1;
    if (file !== expected) {
      const aside = await setAside(vfs, dir, undefined, entries.slice(index));
      await makeDurable(vfs, dir, entries[index - 1]);
      const damage = { file: expected, offset: 0, problem: 'the file is missing', setAside: aside };
      return { files: index, chunks, damage };
    }
    const outcome = await readOne(vfs, `${dir}/${entry.name}`, sizes[index]!, {
      onChunk({ ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, dataStart, dataLength }, offset, data) {
        const sampleCount = sampleCountOf(encoding, data);
        const position = { file, offset };
        const dataOffset = offset + dataStart;
        options.onChunk(
          { ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, sampleCount, position, dataOffset, dataLength },
          data,
        );
        chunks += 1;
      },
      onPiece(bytesDone) {
        options.signal?.throwIfAborted();
        options.onProgress?.(bytesBefore + bytesDone, bytesTotal);
      },
    });
    if (outcome.problem !== undefined) {
      if (outcome.isBlank && index === entries.length - 1) {
        await vfs.remove(`${dir}/${entry.name}`);
        await vfs.syncDir(dir);
        await makeDurable(vfs, dir, entries[index - 1]);
        return { files: index, chunks };
      }
      const { goodEnd, problem } = outcome;
      const aside = await setAside(vfs, dir, { ...entry, goodEnd }, entries.slice(index + 1));
      return { files: index + 1, chunks, damage: { file, offset: goodEnd, problem, setAside: aside } };
    }
    bytesBefore += sizes[index]!;
    options.onProgress?.(bytesBefore, bytesTotal);
  }
  await makeDurable(vfs, dir, entries.at(-1));
  return { files: entries.length, chunks };
}

/** Removes what a repair left half done and gives every file its usual name. Returns them by number. */
async function tidy(vfs: Vfs, dir: string): Promise<HeadChunkFileEntry[]> {
  const entries = await listHeadChunkFiles(vfs, dir);
  if (entries.length === 0) return entries;
  for (const { name } of await vfs.readDir(dir)) {
    if (name.endsWith(unfinishedEnding)) await vfs.remove(`${dir}/${name}`);
  }
  const misnamed = entries.filter(({ file, name }) => name !== headChunkFileName(file));
  for (const { file, name } of misnamed) await vfs.rename(`${dir}/${name}`, `${dir}/${headChunkFileName(file)}`);
  if (misnamed.length > 0) await vfs.syncDir(dir);
  return entries.map(({ file }) => ({ file, name: headChunkFileName(file) }));
}

async function readOne(vfs: Vfs, path: string, size: number, visitor: FileVisitor): Promise<FileOutcome> {
  const file = await vfs.open(path, 'read');
  try {
    return await readChunkFile(file, size, visitor);
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function makeDurable(vfs: Vfs, dir: string, entry: HeadChunkFileEntry | undefined): Promise<void> {
  if (entry === undefined) return;
  const file = await vfs.open(`${dir}/${entry.name}`, 'update');
  try {
    await file.datasync();
  } finally {
    await file.close().catch(() => undefined);
  }
}
