import type { Clock } from '@gauntlet/base';
import {
  encodeBlockMeta,
  encodeTombstones,
  writeBlock,
  type BlockMeta,
  type BlockSinks,
  type ByteSink,
} from '@gauntlet/block';
import type { Head } from '@gauntlet/head';
import { createUlid } from '@gauntlet/model';
import { writeFileDurable, type Vfs } from '@gauntlet/vfs';
import type { CutRange } from './cut-plan.js';
import { inSlices, sliceMs, yieldNow } from './slices.js';

export interface CutContext {
  readonly vfs: Vfs;
  readonly dir: string;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
}

/**
 * Writes what the head holds of a range as a block of level 1. Nothing but a temporary directory exists until all of it is durable (spec/tsdb.md
 * 4.1). Resolves with undefined, and leaves nothing behind, when the range holds no sample.
 */
export async function cutBlock(
  { vfs, dir, clock, randomBytes }: CutContext,
  head: Head,
  { minTimeMs, maxTimeMs }: CutRange,
): Promise<BlockMeta | undefined> {
  const ulid = createUlid(clock.nowMs(), randomBytes(10));
  const work = `${dir}/${ulid}.tmp-for-creation`;
  const cursor = head.cursor(minTimeMs, maxTimeMs - 1);
  try {
    await inSlices((budgetMs) => cursor.prepare(budgetMs));
    await vfs.makeDir(`${work}/chunks`);
    const sinks = blockSinks(vfs, work);
    try {
      const stats = await writeBlock(cursor, sinks, { yieldNow, sliceMs, clock });
      if (stats.numSeries === 0) {
        await vfs.removeAll(work);
        return undefined;
      }
      const meta: BlockMeta = {
        ulid,
        minTime: minTimeMs,
        maxTime: maxTimeMs,
        stats,
        compaction: { level: 1, sources: [ulid] },
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
  } finally {
    cursor.close();
  }
}

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
