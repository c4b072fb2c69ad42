import { MiB } from '@gauntlet/base';
import type { Vfs } from '@gauntlet/vfs';
import { CheckpointFilter, type CheckpointRule } from './checkpoint-filter.js';
import { openWal } from './open-wal.js';
import { type WalDamage, refuseGap, replayWal } from './replay.js';
import { checkpointName, listWal, segmentName } from './segments.js';
import type { WalOptions } from './wal.js';
import { WalUnreadableError } from './wal-error.js';

/** Segments, both ends included. */
export interface SegmentRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Which segments a checkpoint should replace, given the first and the last that existed before the newest roll: about two thirds, and
 * nothing at all when they are too few.
 */
export function checkpointRange(first: number, last: number): SegmentRange | undefined {
  const to = first + Math.floor(((last - 1 - first) * 2) / 3);
  return to <= first ? undefined : { from: first, to };
}

/** `checkpointRange` for a log as it lies on the disk. */
export async function planCheckpoint(vfs: Vfs, dir: string, lastBeforeRoll: number): Promise<SegmentRange | undefined> {
  const { segments, checkpoints } = await listWal(vfs, dir);
  // Segments that a checkpoint covers may still be there, after a crash before they were removed.
  const first = segments.find((segment) => segment > (checkpoints.at(-1) ?? -1));
  return first === undefined ? undefined : checkpointRange(first, lastBeforeRoll);
}

export interface CheckpointOptions
  extends SegmentRange, CheckpointRule, Pick<WalOptions, 'compress' | 'segmentBytesMax' | 'clock' | 'codec'> {}

const pendingBytesMax = 4 * MiB;

/**
 * Writes what is still needed of the newest checkpoint and of segments `from` to `to` as checkpoint `to`. It appears whole or not
 * at all; what it replaces is left to `truncateWal`. Damage anywhere in the input ends it with an error, and nothing is changed.
 */
export async function writeCheckpoint(
  vfs: Vfs,
  dir: string,
  options: CheckpointOptions,
): Promise<{ readonly records: number }> {
  const { from, to, minTimeMs, keep, ...walOptions } = options;
  const { checkpoints } = await listWal(vfs, dir);
  refuseGap(dir, [from], (checkpoints.at(-1) ?? from - 1) + 1);
  const target = `${dir}/${checkpointName(to)}`;
  const temporary = `${target}.tmp`;
  await vfs.removeAll(temporary);
  const log = await openWal(vfs, temporary, { ...walOptions, pendingBytesMax: Infinity });
  const filter = new CheckpointFilter({ minTimeMs, keep });
  let records = 0;
  const add = (record: Uint8Array | undefined): void => {
    if (record === undefined) return;
    log.append([record]);
    records += 1;
  };
  try {
    const { damage } = await replayWal(vfs, dir, {
      ...walOptions,
      // Without a checkpoint the log may begin anywhere.
      ...(checkpoints.length === 0 ? { fromSegment: from } : {}),
      toSegment: to,
      onRecord: (record) => add(filter.take(record)),
      onPause: async () => {
        if (log.stats.pendingBytes > pendingBytesMax) await log.commit();
      },
    });
    if (damage !== undefined) throw unfit(dir, damage);
    add(filter.metadata());
  } catch (error) {
    await log.close().catch(() => undefined);
    await vfs.removeAll(temporary).catch(() => undefined);
    throw error;
  }
  await log.close();
  await vfs.syncDir(temporary);
  await vfs.rename(temporary, target);
  await vfs.syncDir(dir);
  return { records };
}

/** Removes what checkpoint `to` stands for: segments up to it, older checkpoints, and leftovers of unfinished ones. */
export async function truncateWal(vfs: Vfs, dir: string, to: number): Promise<void> {
  const { segments, checkpoints } = await listWal(vfs, dir);
  if (!checkpoints.includes(to)) {
    throw new WalUnreadableError(
      'WAL_CHECKPOINT_CORRUPT',
      `Cannot truncate WAL ${dir}: ${checkpointName(to)} is missing`,
    );
  }
  // From the first up, and the older checkpoints after the segments: wherever a crash falls, what is left replays.
  for (const segment of segments) if (segment <= to) await vfs.remove(`${dir}/${segmentName(segment)}`);
  await vfs.syncDir(dir);
  for (const older of checkpoints) if (older < to) await vfs.removeAll(`${dir}/${checkpointName(older)}`);
  for (const { name } of await vfs.readDir(dir))
    if (/^checkpoint\.\d+\.tmp$/.test(name)) await vfs.removeAll(`${dir}/${name}`);
  await vfs.syncDir(dir);
}

/** Making a checkpoint of damaged input would make the damage for good. */
function unfit(dir: string, { kind, checkpoint, at, problem }: WalDamage): WalUnreadableError {
  const place = checkpoint === undefined ? '' : `${checkpointName(checkpoint)}, `;
  const message = `Cannot checkpoint WAL ${dir}: ${place}segment ${at.segment} is damaged at byte ${at.offset}: ${problem}`;
  if (checkpoint !== undefined) return new WalUnreadableError('WAL_CHECKPOINT_CORRUPT', message, at);
  return new WalUnreadableError(kind === 'damaged' ? 'WAL_CORRUPT' : 'WAL_SEGMENT_GAP', message, at);
}
