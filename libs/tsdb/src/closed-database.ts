import { messageOf, type Log } from '@gauntlet/base';
import { parseBlockMeta, type BlockMeta } from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import { isSetAside, type Vfs } from '@gauntlet/vfs';
import { applyRetention } from './apply-retention.js';
import { byStart } from './block-directory.js';
import { headChunksDir, walDir, wblDir } from './database-layout.js';
import { bytesBelow } from './disk-usage.js';
import { journalName } from './journal.js';
import type { RetentionPolicy } from './retention.js';

/*
 * What can be done with a tenant's directory whose database is not open: it costs no head, no log and no timers. Whoever calls these sees to it
 * that the database is not opened meanwhile.
 */

export interface DatabasePlace {
  readonly vfs: Vfs;
  /** The tenant's directory. */
  readonly dir: string;
  readonly log: Log;
}

/** In the order in which they must go: what names series by the log's numbers never outlives the log that numbers them. */
const logParts = [headChunksDir, wblDir, walDir];
/** What a killed process leaves while it writes or deletes a block. */
const halfDone = /\.tmp-for-(creation|deletion)$/;

/** Whether the directory may hold samples that are in no block, so that the database has to be opened. */
export async function hasLog(vfs: Vfs, dir: string): Promise<boolean> {
  if ((await vfs.stat(`${dir}/${journalName}`)) !== undefined) return true;
  for (const part of [walDir, wblDir])
    for (const path of await partsOf(vfs, part(dir))) {
      const { kind, size } = (await vfs.stat(path)) ?? { kind: 'file', size: 0 };
      if ((kind === 'directory' ? await bytesBelow(vfs, path) : size) > 0) return true;
    }
  return false;
}

/**
 * Empties the log of a database whose head was empty when it was closed: every sample in it is in a block. Then a start need not replay it to find that
 * out. After a crash in between, what is left of it replays to nothing.
 */
export async function forgetLog(vfs: Vfs, dir: string): Promise<void> {
  for (const part of logParts) {
    const paths = await partsOf(vfs, part(dir));
    // Oldest first: what is left has no gap.
    for (const path of paths) await removePart(vfs, path);
    // Gone for good before the next part begins to go.
    if (paths.length > 0) await vfs.syncDir(part(dir));
  }
}

/** Without what is set aside: that is for a person to look at, no log, and never deleted with one. */
async function partsOf(vfs: Vfs, dir: string): Promise<string[]> {
  if ((await vfs.stat(dir)) === undefined) return [];
  return (await vfs.readDir(dir)).filter(({ name }) => !isSetAside(name)).map(({ name }) => `${dir}/${name}`);
}

/** A checkpoint is a directory, and half of one would be taken for a damaged one. */
async function removePart(vfs: Vfs, path: string): Promise<void> {
  if ((await vfs.stat(path))?.kind !== 'directory') return vfs.remove(path);
  const doomed = path.endsWith('.tmp') ? path : `${path}.tmp`;
  if (doomed !== path) {
    await vfs.removeAll(doomed);
    await vfs.rename(path, doomed);
  }
  await vfs.removeAll(doomed);
}

export interface RetainedBlocks {
  /** Left after it, by start. */
  readonly blocks: readonly BlockMeta[];
  readonly deleted: readonly string[];
  /** Over a limit, and kept because they are not in the bucket. */
  readonly heldBack: readonly string[];
  /** Directories of damaged blocks: set aside by an opening, or without a readable meta.json. Nobody but a person deletes them. */
  readonly damaged: readonly string[];
}

/** Applies retention; also removes what a killed process left half done. Unlike an opening it reads no more of a block than its meta.json. */
export async function retainBlocks(
  { vfs, dir, log }: DatabasePlace,
  policy: Omit<RetentionPolicy, 'otherBytes'>,
): Promise<RetainedBlocks> {
  const { blocks, damaged } = await readMetas({ vfs, dir, log });
  const deleted = new Set<string>();
  const { heldBack } = await applyRetention({ vfs, dir }, blocks, { ...policy, otherBytes: 0 }, ({ id }) => {
    deleted.add(id);
  });
  return {
    blocks: blocks.filter(({ ulid }) => !deleted.has(ulid)),
    deleted: [...deleted],
    heldBack: heldBack.map(({ id }) => id),
    damaged,
  };
}

/** The blocks of a closed database, by start: those with a readable meta.json. */
export async function listBlocks(place: DatabasePlace): Promise<readonly BlockMeta[]> {
  return (await place.vfs.stat(place.dir)) === undefined ? [] : (await readMetas(place)).blocks;
}

async function readMetas({ vfs, dir, log }: DatabasePlace): Promise<{ blocks: BlockMeta[]; damaged: string[] }> {
  const blocks: BlockMeta[] = [];
  const damaged: string[] = [];
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind !== 'directory') continue;
    if (halfDone.test(name)) await vfs.removeAll(`${dir}/${name}`);
    else if (isSetAside(name)) damaged.push(name);
    else if (isUlid(name))
      try {
        const meta = parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/${name}/meta.json`)).toString('utf8'));
        // The directory's name is the block's id, whatever its meta.json says: paths are built from it.
        blocks.push({ ...meta, ulid: name });
      } catch (error) {
        log.debug('block has no readable meta.json', { dir: `${dir}/${name}`, error: messageOf(error) });
        damaged.push(name);
      }
  }
  return { blocks: blocks.sort(byStart), damaged };
}
