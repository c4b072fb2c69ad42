import type { Clock } from '@gauntlet/base';
import {
  encodeBlockMeta,
  encodeTombstones,
  writeBlock,
  type BlockMeta,
  type BlockSinks,
  type ByteSink,
  type MetaCompaction,
  type SeriesCursor,
} from '@gauntlet/block';
import { writeFileDurable, type Vfs } from '@gauntlet/vfs';
import { deleteBlock } from './block-directory.js';
import type { CutRange } from './cut-plan.js';
import { sliceMs, yieldNow } from './slices.js';

export interface NewBlock extends CutRange {
  /** The tenant's directory. */
  readonly dir: string;
  readonly ulid: string;
  readonly hints?: MetaCompaction['hints'];
  readonly parents?: MetaCompaction['parents'];
}

/**
 * Writes series as a block of level 1. Nothing but a temporary directory exists until all of it is durable (spec/tsdb.md 4.1). Resolves with
 * undefined, and leaves nothing behind, when there is no sample.
 */
export async function writeBlockDirectory(
  vfs: Vfs,
  clock: Pick<Clock, 'monotonicMs'>,
  { dir, ulid, minTimeMs, maxTimeMs, hints, parents }: NewBlock,
  series: SeriesCursor,
): Promise<BlockMeta | undefined> {
  const work = workDir(dir, ulid);
  await vfs.makeDir(`${work}/chunks`);
  const sinks = blockSinks(vfs, work);
  try {
    const stats = await writeBlock(series, sinks, { yieldNow, sliceMs, clock });
    if (stats.numSeries === 0) {
      await vfs.removeAll(work);
      return undefined;
    }
    const meta: BlockMeta = {
      ulid,
      minTime: minTimeMs,
      maxTime: maxTimeMs,
      stats,
      compaction: {
        level: 1,
        sources: [ulid],
        ...(parents === undefined ? {} : { parents }),
        ...(hints === undefined ? {} : { hints }),
      },
      version: 1,
    };
    await writeFileDurable(vfs, `${work}/tombstones`, encodeTombstones(new Map()));
    await writeFileDurable(vfs, `${work}/meta.json`, Buffer.from(encodeBlockMeta(meta)));
    await vfs.syncDir(`${work}/chunks`);
    await vfs.syncDir(work);
    await vfs.rename(work, `${dir}/${ulid}`);
    await vfs.syncDir(dir);
    return meta;
  } catch (error) {
    await sinks.abandon().catch(() => {});
    // What cannot be removed now is removed at the next start. The block itself may be there under its name, when the last sync failed: the
    // samples stay in the head and will be cut again, so it must go.
    await vfs.removeAll(work).catch(() => {});
    await vfs.removeAll(`${dir}/${ulid}`).catch(() => {});
    throw error;
  }
}

/** Removes what a writer that is gone has left of a block. */
export async function discardBlock(vfs: Vfs, dir: string, ulid: string): Promise<void> {
  await vfs.removeAll(workDir(dir, ulid));
  await deleteBlock(vfs, dir, ulid);
}

const workDir = (dir: string, ulid: string): string => `${dir}/${ulid}.tmp-for-creation`;

/** A block's files below `work`; `abandon` closes those that a failure left open. */
function blockSinks(vfs: Vfs, work: string): BlockSinks & { abandon(): Promise<void> } {
  const open = new Set<FileSink>();
  const openSink = async (path: string): Promise<ByteSink> => {
    const sink = await FileSink.create(vfs, path, () => open.delete(sink));
    open.add(sink);
    return sink;
  };
  return {
    openIndex: () => openSink(`${work}/index`),
    openSegment: (name) => openSink(`${work}/chunks/${name}`),
    abandon: async () => {
      for (const sink of open) await sink.abandon();
    },
  };
}

/** A file written from front to back, durable when closed. */
class FileSink implements ByteSink {
  readonly #file: Awaited<ReturnType<Vfs['open']>>;
  readonly #onClose: () => void;
  #size = 0;

  private constructor(file: Awaited<ReturnType<Vfs['open']>>, onClose: () => void) {
    this.#file = file;
    this.#onClose = onClose;
  }

  static async create(vfs: Vfs, path: string, onClose: () => void): Promise<FileSink> {
    return new FileSink(await vfs.open(path, 'create'), onClose);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, this.#size);
    this.#size += bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.datasync();
    await this.abandon();
  }

  async abandon(): Promise<void> {
    this.#onClose();
    await this.#file.close();
  }
}
