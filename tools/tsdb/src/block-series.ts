import {
  type BlockIndex,
  type BlockMeta,
  decodeTombstones,
  openIndex,
  parseBlockMeta,
  readChunk,
  type Tombstones,
} from '@gauntlet/block';
import { decodeChunk } from '@gauntlet/chunk';
import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import { toInt64 } from '@gauntlet/base';
import { FileSource } from './file-source.js';
import { type SampleRun, type StoredSeries, withoutDeleted } from './stored-series.js';

export interface OpenBlock {
  readonly meta: BlockMeta;
  /** In label order. */
  series(): AsyncGenerator<StoredSeries>;
  close(): Promise<void>;
}

/** The blocks of a tenant, by time. */
export async function openBlocks(vfs: Vfs, dir: string): Promise<OpenBlock[]> {
  const blocks: OpenBlock[] = [];
  await allOrNone(blocks, async () => {
    for (const { name, kind } of await vfs.readDir(dir))
      if (kind === 'directory' && isUlid(name) && (await vfs.stat(`${dir}/${name}/meta.json`)) !== undefined)
        blocks.push(await openBlock(vfs, `${dir}/${name}`));
  });
  return blocks.sort((a, b) => a.meta.minTime - b.meta.minTime);
}

export async function openBlock(vfs: Vfs, dir: string): Promise<OpenBlock> {
  const meta = parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/meta.json`)).toString('utf8'));
  const files: FileSource[] = [];
  const { index, segments, tombstones } = await allOrNone(files, () => openContents(vfs, dir, files));

  async function* series(): AsyncGenerator<StoredSeries> {
    for await (const { ref, labels, chunks } of index.allSeries()) {
      const deleted = (tombstones.get(ref) ?? []).map(({ minTimeMs, maxTimeMs }) => ({
        minTimeMs: toInt64(minTimeMs),
        maxTimeMs: toInt64(maxTimeMs),
      }));
      const runs = chunks.map((chunk): SampleRun => ({
        minTimeMs: BigInt(chunk.minTimeMs),
        maxTimeMs: BigInt(chunk.maxTimeMs),
        async read() {
          const { encoding, data } = await readChunk(segments, chunk.ref);
          return withoutDeleted(decodeChunk(encoding, data), deleted);
        },
      }));
      yield { labels, runs };
    }
  }

  return {
    meta,
    series,
    async close() {
      for (const file of files) await file.close();
    },
  };
}

/** Whatever it opens is in `files`, also when it fails. */
async function openContents(
  vfs: Vfs,
  dir: string,
  files: FileSource[],
): Promise<{ index: BlockIndex; segments: readonly FileSource[]; tombstones: Tombstones }> {
  const openFile = async (path: string): Promise<FileSource> => {
    const file = await FileSource.open(vfs, path, path);
    files.push(file);
    return file;
  };
  const index = await openIndex(await openFile(`${dir}/index`));
  const segments: FileSource[] = [];
  for (const { name } of await vfs.readDir(`${dir}/chunks`))
    if (/^\d+$/.test(name)) segments.push(await openFile(`${dir}/chunks/${name}`));
  return { index, segments, tombstones: await readTombstones(vfs, `${dir}/tombstones`) };
}

/** Closes what is open so far when the rest cannot be opened. */
async function allOrNone<T>(opened: readonly { close(): Promise<void> }[], open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    for (const one of opened) await one.close();
    throw error;
  }
}

async function readTombstones(vfs: Vfs, path: string): Promise<Tombstones> {
  return (await vfs.stat(path)) === undefined ? new Map() : decodeTombstones(await vfs.readFile(path));
}
