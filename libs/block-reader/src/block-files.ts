import { BlockCorruptError, type BlockPart, type ByteSource, decodeTombstones, type Tombstones } from '@gauntlet/block';
import type { Vfs, VfsFile } from '@gauntlet/vfs';

/** The files of a block, open for reading. Names may go from the directory meanwhile. */
export interface BlockFiles {
  readonly index: ByteSource;
  /** Chunk segments in the order of their names. */
  readonly segments: readonly ByteSource[];
  readonly tombstones: Tombstones;
  close(): Promise<void>;
}

/**
 * Opens the files of a block's directory.
 * @throws BlockCorruptError (code BLOCK_TOMBSTONES_CORRUPT), and what the file system throws
 */
export async function openBlockFiles(vfs: Vfs, dir: string): Promise<BlockFiles> {
  const opened: VfsFile[] = [];
  const open = async (name: string, part: BlockPart): Promise<ByteSource> => {
    const file = await vfs.open(`${dir}/${name}`, 'read');
    opened.push(file);
    return fileSource(file, name, await file.size(), part);
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((file) => file.close()));
  };
  try {
    const index = await open('index', 'INDEX');
    const segments: ByteSource[] = [];
    for (const { name } of await vfs.readDir(`${dir}/chunks`))
      if (/^\d+$/.test(name)) segments.push(await open(`chunks/${name}`, 'CHUNK'));
    return { index, segments, tombstones: await readTombstones(vfs, `${dir}/tombstones`), close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

function fileSource(file: VfsFile, name: string, size: number, part: BlockPart): ByteSource {
  return {
    name,
    size,
    async read(offset, length) {
      // Not zeroed, since all of it is read over; and no Buffer, whose slices are views.
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      const read = await file.read(bytes, offset);
      if (read < length)
        throw new BlockCorruptError(part, { file: name, offset: offset + read }, 'the file has become shorter');
      return bytes;
    },
  };
}

async function readTombstones(vfs: Vfs, path: string): Promise<Tombstones> {
  return (await vfs.stat(path)) === undefined ? new Map() : decodeTombstones(await vfs.readFile(path));
}
