import type { Vfs } from '@gauntlet/vfs';
import { pageBytes } from './fragment.js';
import type { WalDamage } from './replay.js';
import { listWal, segmentName } from './segments.js';

export interface RepairResult {
  /** Names, in the log's directory, of what can no longer be read as part of it. Nothing is deleted. */
  readonly setAside: readonly string[];
}

/**
 * Ends a damaged log behind its last good record, so that it can be replayed and continued.
 *
 * The damaged segment keeps its name and its good records; the whole of it, and every later segment, is set aside as
 * `00000003.damaged` (`.damaged-2` and so on when that is taken), which no reader takes for a segment. A crash on the way leaves
 * a log that replays to the same records and can be repaired again.
 */
export async function repairWal(vfs: Vfs, dir: string, damage: WalDamage): Promise<RepairResult> {
  const { segment } = damage.at;
  const { segments } = await listWal(vfs, dir);
  const setAside: string[] = [];
  // From the last down and each one durably, so that a crash leaves no gap in the numbers.
  for (const later of segments.filter((found) => found > segment).reverse()) {
    const aside = await freeName(vfs, dir, later);
    await vfs.rename(`${dir}/${segmentName(later)}`, `${dir}/${aside}`);
    await vfs.syncDir(dir);
    setAside.push(aside);
  }
  const path = `${dir}/${segmentName(segment)}`;
  const shortened = `${path}.repair.tmp`;
  await copyStart(vfs, path, shortened, damage.goodEnd);
  const aside = await freeName(vfs, dir, segment);
  await vfs.link(path, `${dir}/${aside}`);
  await vfs.syncDir(dir);
  await vfs.rename(shortened, path);
  await vfs.syncDir(dir);
  setAside.push(aside);
  return { setAside: setAside.reverse() };
}

async function freeName(vfs: Vfs, dir: string, segment: number): Promise<string> {
  for (let count = 1; ; count += 1) {
    const name = `${segmentName(segment)}.damaged${count === 1 ? '' : `-${count}`}`;
    if ((await vfs.stat(`${dir}/${name}`)) === undefined) return name;
  }
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
