import { messageOf, type Log } from '@gauntlet/base';
import { parseBlockMeta, type BlockMeta } from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';

/** What a start finds of a tenant's blocks. */
export interface LoadedBlocks {
  /** By start, then by id. */
  readonly blocks: BlockMeta[];
  /** Where the head begins: nothing below is accepted in order (spec/tsdb.md 5.1). `-Infinity` without blocks. */
  readonly minValidTimeMs: number;
}

/** Endings of what a process that was killed leaves half done (spec/tsdb.md 0.1). */
const leftoverEndings = ['.tmp-for-creation', '.tmp-for-deletion', '.tmp'];

/**
 * Removes what was left half done, and reads the blocks. A block whose `meta.json` cannot be read is left where it is and not used. A block
 * that another one names as its parent was compacted into that one, and is deleted.
 */
export async function loadBlocks(vfs: Vfs, dir: string, log: Log): Promise<LoadedBlocks> {
  const found: BlockMeta[] = [];
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind !== 'directory') continue;
    if (leftoverEndings.some((ending) => name.endsWith(ending))) {
      log.info('removing what was left half done', { dir: `${dir}/${name}` });
      await vfs.removeAll(`${dir}/${name}`);
    } else if (isUlid(name)) {
      const meta = await readMeta(vfs, `${dir}/${name}`, log);
      // The directory's name is the block's id, whatever its meta.json says: paths are built from it.
      if (meta !== undefined) found.push({ ...meta, ulid: name });
    }
  }
  const replaced = new Set(
    found.flatMap(({ ulid, compaction }) =>
      (compaction.parents ?? []).map((parent) => parent.ulid).filter((parent) => parent !== ulid),
    ),
  );
  for (const { ulid } of found) if (replaced.has(ulid)) await deleteBlock(vfs, dir, ulid);
  const blocks = found
    .filter(({ ulid }) => !replaced.has(ulid))
    .sort((a, b) => a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1));
  const ordinary = blocks.filter(({ compaction }) => (compaction.hints ?? []).length === 0);
  return { blocks, minValidTimeMs: Math.max(-Infinity, ...ordinary.map(({ maxTime }) => maxTime)) };
}

async function readMeta(vfs: Vfs, dir: string, log: Log): Promise<BlockMeta | undefined> {
  try {
    return parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/meta.json`)).toString('utf8'));
  } catch (error) {
    log.warn('block has no readable meta.json and is not used', { dir, error: messageOf(error) });
    return undefined;
  }
}

/** Renames the block first, so that no reader finds half of it, and a start finishes what this begins. */
export async function deleteBlock(vfs: Vfs, dir: string, id: string): Promise<void> {
  const doomed = `${dir}/${id}.tmp-for-deletion`;
  // A deletion that failed half way is asked for again, and goes on behind the renaming.
  if ((await vfs.stat(`${dir}/${id}`)) !== undefined) {
    await vfs.removeAll(doomed);
    await vfs.rename(`${dir}/${id}`, doomed);
  }
  await vfs.syncDir(dir);
  await vfs.removeAll(doomed);
}
