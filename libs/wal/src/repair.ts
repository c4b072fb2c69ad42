import { freeNameAside, type Vfs } from '@gauntlet/vfs';
import { pageBytes } from './fragment.js';
import type { WalDamage } from './replay.js';
import { checkpointName, segmentName } from './segments.js';

export interface RepairResult {
  /** Names, in the log's directory, of what can no longer be read as part of it. Nothing is deleted. */
  readonly setAside: readonly string[];
}

/**
 * Ends a damaged log behind its last good record, so that it can be replayed and continued; and a damaged checkpoint likewise.
 *
 * - A damaged segment keeps its name and its good records; the whole of it, and every later segment, is set aside as
 *   `00000003.damaged` (`.damaged-2` and so on when that is taken), which no reader takes for a segment.
 * - Behind a missing segment, the later ones are set aside.
 * - A damaged checkpoint is set aside whole as `checkpoint.00000002.damaged`, by second names for its files, before its own
 *   segments are ended behind the damage: at no moment is there no checkpoint.
 * - A log that lacks its beginning gets an empty checkpoint for what is missing, so that every reader takes it.
 *
 * A crash on the way leaves a log that replays to the same records and can be repaired again.
 */
export async function repairWal(vfs: Vfs, dir: string, damage: WalDamage): Promise<RepairResult> {
  // The last first: what is set aside of the log does not depend on its checkpoint.
  const later = damage.then === undefined ? [] : (await repairWal(vfs, dir, damage.then)).setAside;
  return { setAside: [...(await repairOne(vfs, dir, damage)), ...later] };
}

async function repairOne(vfs: Vfs, dir: string, damage: WalDamage): Promise<readonly string[]> {
  if (damage.kind === 'headless') {
    await beginBehind(vfs, dir, damage.at.segment - 1);
    return [];
  }
  if (damage.checkpoint === undefined) return endBehind(vfs, dir, damage, 'aside');
  const checkpoint = checkpointName(damage.checkpoint);
  const aside = await copyAside(vfs, dir, checkpoint);
  await endBehind(vfs, `${dir}/${checkpoint}`, damage, 'kept elsewhere');
  return [aside];
}

/** Ends the segments of a directory behind the damage. What does not stay is set aside there, or removed if it is kept elsewhere. */
async function endBehind(
  vfs: Vfs,
  dir: string,
  { kind, at, goodEnd }: WalDamage,
  rest: 'aside' | 'kept elsewhere',
): Promise<string[]> {
  const setAside: string[] = [];
  const isLater = (segment: number): boolean => segment > at.segment || (kind === 'missing' && segment === at.segment);
  // From the last down and each one durably, so that a crash leaves no gap in the numbers.
  for (const { name, segment } of (await segmentFiles(vfs, dir)).reverse()) {
    if (!isLater(segment)) continue;
    if (rest === 'aside') {
      const aside = await freeNameAside(vfs, dir, name);
      await vfs.rename(`${dir}/${name}`, `${dir}/${aside}`);
      setAside.push(aside);
    } else {
      await vfs.remove(`${dir}/${name}`);
    }
    await vfs.syncDir(dir);
  }
  if (kind === 'damaged') {
    const name = segmentName(at.segment);
    const path = `${dir}/${name}`;
    const shortened = `${path}.repair.tmp`;
    await copyStart(vfs, path, shortened, goodEnd);
    if (rest === 'aside') {
      const aside = await freeNameAside(vfs, dir, name);
      await vfs.link(path, `${dir}/${aside}`);
      await vfs.syncDir(dir);
      setAside.push(aside);
    }
    await vfs.rename(shortened, path);
    await vfs.syncDir(dir);
  }
  return setAside.reverse();
}

/** By number; also those whose name has too few digits for a reader. */
async function segmentFiles(vfs: Vfs, dir: string): Promise<{ name: string; segment: number }[]> {
  return (await vfs.readDir(dir))
    .filter(({ name }) => /^\d+$/.test(name))
    .map(({ name }) => ({ name, segment: Number(name) }))
    .sort((a, b) => a.segment - b.segment);
}

/** Gives all files of a directory a second name in a directory beside it, which appears whole or not at all. */
async function copyAside(vfs: Vfs, dir: string, name: string): Promise<string> {
  const aside = await freeNameAside(vfs, dir, name);
  const temporary = `${dir}/${name}.damaged.tmp`;
  await vfs.removeAll(temporary);
  await vfs.makeDir(temporary);
  for (const { name: file, kind } of await vfs.readDir(`${dir}/${name}`))
    if (kind === 'file') await vfs.link(`${dir}/${name}/${file}`, `${temporary}/${file}`);
  await vfs.syncDir(temporary);
  await vfs.rename(temporary, `${dir}/${aside}`);
  await vfs.syncDir(dir);
  return aside;
}

/** Makes a checkpoint that stands for nothing, up to that segment. */
async function beginBehind(vfs: Vfs, dir: string, segment: number): Promise<void> {
  const target = `${dir}/${checkpointName(segment)}`;
  const temporary = `${target}.tmp`;
  await vfs.removeAll(temporary);
  await vfs.makeDir(temporary);
  await (await vfs.open(`${temporary}/${segmentName(0)}`, 'create')).close();
  await vfs.syncDir(temporary);
  await vfs.rename(temporary, target);
  await vfs.syncDir(dir);
}

/** Copies the first bytes and fills the page with zeros; at least one page, as Prometheus leaves it. */
async function copyStart(vfs: Vfs, from: string, to: string, count: number): Promise<void> {
  const source = await vfs.open(from, 'read');
  const target = await vfs.open(to, 'replace');
  try {
    const piece = Buffer.alloc(32 * pageBytes);
    for (let position = 0; position < count; position += piece.length) {
      const wanted = piece.subarray(0, Math.min(piece.length, count - position));
      await target.write(wanted.subarray(0, await source.read(wanted, position)), position);
    }
    await target.truncate(Math.max(1, Math.ceil(count / pageBytes)) * pageBytes);
    await target.datasync();
  } finally {
    await source.close();
    await target.close();
  }
}
