import { MiB, OperationalError, messageOf, type Log } from '@gauntlet/base';
import {
  BlockCorruptError,
  checkChunkSegment,
  checkIndex,
  checkTombstones,
  encodeBlockMeta,
  parseBlockMeta,
  type BlockMeta,
  type ByteSource,
} from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import { freeNameAside, replaceFileDurable, type Vfs } from '@gauntlet/vfs';

/** What a start finds of a tenant's blocks. */
export interface LoadedBlocks {
  /** By start, then by id. */
  readonly blocks: BlockMeta[];
  /** Where the head begins: nothing below is accepted in order (spec/tsdb.md 5.1). `-Infinity` without blocks. */
  readonly minValidTimeMs: number;
  /** Set aside by this start, under `setAside`. Neither served nor shipped. */
  readonly damaged: readonly DamagedBlock[];
}

export interface DamagedBlock {
  readonly id: string;
  readonly problem: string;
  /** Name of its directory from now on. */
  readonly setAside: string;
}

/** Endings of what a process that was killed leaves half done (spec/tsdb.md 0.1). */
const leftoverEndings = ['.tmp-for-creation', '.tmp-for-deletion', '.tmp'];

/** More than any meta.json has that can be read. */
const metaBytesMax = 16 * MiB;

/**
 * Removes what was left half done, and reads and checks the blocks (spec/tsdb.md 4.1). A damaged block is set aside as `<id>.damaged`, for a person to
 * look at: it is no reason to refuse the others, and must not reach the bucket. A block that a good one names as its parent was
 * compacted into that one, and one that is deletable has no sample left: both are deleted.
 */
export async function loadBlocks(vfs: Vfs, dir: string, log: Log): Promise<LoadedBlocks> {
  const found: BlockMeta[] = [];
  const broken: { readonly id: string; readonly problem: string }[] = [];
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind !== 'directory') continue;
    if (leftoverEndings.some((ending) => name.endsWith(ending))) {
      log.info('removing what was left half done', { dir: `${dir}/${name}` });
      await vfs.removeAll(`${dir}/${name}`);
    } else if (isUlid(name)) {
      const meta = await checkedMeta(vfs, `${dir}/${name}`);
      // The directory's name is the block's id, whatever its meta.json says: paths are built from it.
      if (typeof meta !== 'string') found.push({ ...meta, ulid: name });
      else broken.push({ id: name, problem: meta });
    }
  }
  const doomed = doomedAmong(found);
  for (const { ulid } of found) if (doomed.has(ulid)) await deleteBlock(vfs, dir, ulid);
  const damaged: DamagedBlock[] = [];
  for (const { id, problem } of broken) {
    // Nothing in it is missed: the block that it was compacted into is good.
    if (doomed.has(id)) await deleteBlock(vfs, dir, id);
    else damaged.push({ id, problem, setAside: await setAside(vfs, dir, id) });
  }
  for (const block of damaged) log.error('block is damaged, was set aside and is not used', { dir, ...block });
  const blocks = found.filter(({ ulid }) => !doomed.has(ulid)).sort(byStart);
  const ordinary = blocks.filter(({ compaction }) => (compaction.hints ?? []).length === 0);
  return { blocks, minValidTimeMs: Math.max(-Infinity, ...ordinary.map(({ maxTime }) => maxTime)), damaged };
}

/** Orders blocks by start, then by id. */
export function byStart(a: BlockMeta, b: BlockMeta): number {
  return a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1);
}

/**
 * Ids of the blocks to be deleted: those without samples, and those from which others were compacted. Blocks that descend from each other, or one from itself, say nothing
 * that can be true: they stay, since nothing else may have their samples.
 */
function doomedAmong(found: readonly BlockMeta[]): ReadonlySet<string> {
  const parents = new Map(found.map(({ ulid, compaction }) => [ulid, compaction.parents ?? []]));
  const ancestorsOf = (id: string): ReadonlySet<string> => {
    const ancestors = new Set<string>();
    const left = [id];
    for (let next = left.pop(); next !== undefined; next = left.pop())
      for (const { ulid } of parents.get(next) ?? [])
        if (!ancestors.has(ulid)) {
          ancestors.add(ulid);
          left.push(ulid);
        }
    return ancestors;
  };
  const doomed = new Set<string>();
  for (const { ulid, compaction } of found) {
    if (compaction.deletable) doomed.add(ulid);
    const ancestors = ancestorsOf(ulid);
    if (!ancestors.has(ulid)) for (const ancestor of ancestors) doomed.add(ancestor);
  }
  return doomed;
}

/** The block's meta.json, when all that an opening checks is well; else what is wrong. */
async function checkedMeta(vfs: Vfs, dir: string): Promise<BlockMeta | string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const meta = await readMeta(vfs, dir);
      await checkFiles(vfs, dir, meta);
      return meta;
    } catch (error) {
      if (isDamage(error)) return messageOf(error);
      // A disk that cannot read them twice has lost them; any other trouble may pass, and is no reason to give a block up.
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
      if (attempt === 2) return messageOf(error);
    }
  }
}

function isDamage(error: unknown): boolean {
  if (error instanceof OperationalError) return error.kind === 'corrupt';
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function readMeta(vfs: Vfs, dir: string): Promise<BlockMeta> {
  const path = `${dir}/meta.json`;
  const { size } = (await vfs.stat(path)) ?? { size: 0 };
  if (size > metaBytesMax)
    throw new BlockCorruptError('META', { file: 'meta.json', offset: 0 }, `it has ${size} bytes`);
  const text = Buffer.from(await vfs.readFile(path)).toString('utf8');
  try {
    return parseBlockMeta(text);
  } catch (error) {
    const meta = metaOfVersion2(text);
    if (meta === undefined) throw error;
    await mendVersion2(vfs, dir, meta);
    return meta;
  }
}

/** Prometheus 2.1.0 wrote version 2 where it meant the version of the index, and there the old one (spec/tsdb.md 4.4). */
function metaOfVersion2(text: string): BlockMeta | undefined {
  try {
    const object = JSON.parse(text) as { version?: unknown };
    return object.version === 2 ? parseBlockMeta(JSON.stringify({ ...object, version: 1 })) : undefined;
  } catch {
    return undefined;
  }
}

async function mendVersion2(vfs: Vfs, dir: string, meta: BlockMeta): Promise<void> {
  const index = await vfs.open(`${dir}/index`, 'update');
  try {
    const version = new Uint8Array(1);
    await index.read(version, 4);
    if (version[0] === 1) await index.write(Uint8Array.of(2), 4);
    await index.datasync();
  } finally {
    await index.close().catch(() => undefined);
  }
  await replaceFileDurable(vfs, `${dir}/meta.json`, Buffer.from(encodeBlockMeta(meta)));
}

async function checkFiles(vfs: Vfs, dir: string, { stats }: BlockMeta): Promise<void> {
  await checkFile(vfs, dir, 'index', checkIndex);
  const segments = (await vfs.readDir(`${dir}/chunks`)).filter(({ name }) => /^\d+$/.test(name));
  for (const { name } of segments) await checkFile(vfs, dir, `chunks/${name}`, checkChunkSegment);
  if (segments.length === 0 && (stats.numChunks ?? 0) > 0)
    throw new BlockCorruptError('CHUNK', { file: 'chunks', offset: 0 }, `none of ${stats.numChunks} chunks is there`);
  if ((await vfs.stat(`${dir}/tombstones`)) !== undefined) await checkFile(vfs, dir, 'tombstones', checkTombstones);
}

async function checkFile(
  vfs: Vfs,
  dir: string,
  name: string,
  check: (source: ByteSource) => Promise<void>,
): Promise<void> {
  const file = await vfs.open(`${dir}/${name}`, 'read');
  try {
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, await file.read(bytes, offset));
    };
    await check({ name, size: await file.size(), read });
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function setAside(vfs: Vfs, dir: string, id: string): Promise<string> {
  const name = await freeNameAside(vfs, dir, id);
  await vfs.rename(`${dir}/${id}`, `${dir}/${name}`);
  await vfs.syncDir(dir);
  return name;
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
