import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '@gauntlet/base';
import type { Vfs } from '@gauntlet/vfs';
import { kernelCodec, type Codec } from './codec.js';
import { type SegmentEnd, readSegment } from './segment-reader.js';
import { checkpointName, listWal, segmentName } from './segments.js';
import type { WalPosition } from './wal.js';
import { WalUnreadableError } from './wal-error.js';

export interface ReplayOptions {
  /**
   * Where to begin: by default with the newest checkpoint and the segment behind it (segment 0 without one), which must be there if any is.
   * A number skips the checkpoint and earlier segments; `first` begins with the first segment there is, as for a WBL.
   */
  readonly fromSegment?: number | 'first';
  /** The last segment to read, when later ones are being written. */
  readonly toSegment?: number;
  /**
   * Takes one record. The bytes and `at` are valid during the call only. An error of kind `corrupt` says that the record does
   * not decode, and counts as damage at that record; any other ends the replay with that error.
   */
  readonly onRecord: (record: Uint8Array, at: RecordPosition) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  /** Awaited between pieces of the log, for visitors that must wait for something. */
  readonly onPause?: () => Promise<void>;
  /** Lets other work run this often; 10 by default. */
  readonly yieldEveryMs?: number;
  readonly clock?: Clock;
  readonly codec?: Codec;
}

/** Where a record ends. */
export interface RecordPosition extends WalPosition {
  /** The checkpoint that holds the segment; undefined in the log itself. */
  readonly checkpoint: number | undefined;
}

export interface WalDamage {
  /** Where reading stopped. */
  readonly at: WalPosition;
  /** Behind the last good record of that segment; what `repairWal` keeps. */
  readonly goodEnd: number;
  readonly problem: string;
}

export interface ReplayResult {
  readonly checkpoint: number | undefined;
  /** Undefined when there is no segment. */
  readonly lastSegment: number | undefined;
  readonly records: number;
  readonly bytes: number;
  /** Set when the log is damaged; everything before it was replayed, nothing behind it. */
  readonly damage?: WalDamage;
}

/**
 * Visits all records of a log in order, and tells of damage in its segments. Other tasks get their turn between
 * pieces of the log (256 KiB).
 * @throws WalUnreadableError when a number is missing, the checkpoint is damaged or a record is compressed with Zstandard
 */
export async function replayWal(vfs: Vfs, dir: string, options: ReplayOptions): Promise<ReplayResult> {
  const { clock = systemClock, codec = kernelCodec, yieldEveryMs = 10, onPause, onProgress, onRecord } = options;
  const plan = await planReplay(vfs, dir, options);
  const at = { checkpoint: undefined as number | undefined, segment: 0, offset: 0 };
  let records = 0;
  let bytesDone = 0;
  let yieldedMs = clock.monotonicMs();

  for (const part of plan.parts) {
    at.checkpoint = part.checkpoint;
    at.segment = part.segment;
    const bytesBefore = bytesDone;
    const visitor = {
      onRecord(record: Uint8Array, end: number): void {
        at.offset = end;
        onRecord(record, at);
        records += 1;
      },
      async onPiece(done: number): Promise<void> {
        onProgress?.(bytesBefore + done, plan.bytesTotal);
        await onPause?.();
        if (clock.monotonicMs() - yieldedMs < yieldEveryMs) return;
        await setImmediate();
        yieldedMs = clock.monotonicMs();
      },
    };
    const end = await visitSegment(vfs, part.path, part.segment, codec, visitor);
    bytesDone += part.bytes;
    await visitor.onPiece(part.bytes);
    if (end.damage === undefined) continue;
    const damage = {
      at: { segment: part.segment, offset: end.damage.offset },
      goodEnd: end.goodEnd,
      problem: end.damage.problem,
    };
    if (part.checkpoint !== undefined) throw damagedCheckpoint(part.checkpoint, damage);
    return { checkpoint: plan.checkpoint, lastSegment: plan.lastSegment, records, bytes: bytesDone, damage };
  }
  return { checkpoint: plan.checkpoint, lastSegment: plan.lastSegment, records, bytes: bytesDone };
}

interface Part {
  readonly path: string;
  readonly checkpoint: number | undefined;
  readonly segment: number;
  readonly bytes: number;
}

interface Plan {
  readonly parts: readonly Part[];
  readonly checkpoint: number | undefined;
  readonly lastSegment: number | undefined;
  readonly bytesTotal: number;
}

async function planReplay(vfs: Vfs, dir: string, { fromSegment, toSegment = Infinity }: ReplayOptions): Promise<Plan> {
  const { segments, checkpoints } = await listWal(vfs, dir);
  const checkpoint = fromSegment === undefined ? checkpoints.at(-1) : undefined;
  const parts: Part[] = [];
  const add = async (path: string, segment: number): Promise<void> => {
    const file = `${path}/${segmentName(segment)}`;
    const found = await vfs.stat(file);
    // Listed, but by a name with fewer digits, which no reader opens.
    if (found === undefined) throw missingSegment(path, segment);
    parts.push({ path: file, checkpoint: path === dir ? undefined : checkpoint, segment, bytes: found.size });
  };
  if (checkpoint !== undefined) {
    const path = `${dir}/${checkpointName(checkpoint)}`;
    const inside = await listWal(vfs, path);
    refuseGap(path, inside.segments, inside.segments[0] ?? 0);
    for (const segment of inside.segments) await add(path, segment);
  }
  const first = fromSegment === 'first' ? (segments[0] ?? 0) : (fromSegment ?? (checkpoint ?? -1) + 1);
  const wanted = segments.filter((segment) => segment >= first && segment <= toSegment);
  refuseGap(dir, wanted, first);
  for (const segment of wanted) await add(dir, segment);
  return {
    parts,
    checkpoint,
    lastSegment: segments.at(-1),
    bytesTotal: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
}

/** A missing segment may have held anything, so what follows it cannot be trusted. */
export function refuseGap(dir: string, segments: readonly number[], first: number): void {
  segments.forEach((segment, index) => {
    if (segment !== first + index) throw missingSegment(dir, first + index);
  });
}

function missingSegment(dir: string, segment: number): WalUnreadableError {
  return new WalUnreadableError(
    'WAL_SEGMENT_GAP',
    `Cannot read WAL ${dir}: segment ${segmentName(segment)} is missing`,
  );
}

function damagedCheckpoint(checkpoint: number, { at, problem }: WalDamage): WalUnreadableError {
  const message = `Cannot read WAL ${checkpointName(checkpoint)} past byte ${at.offset} of segment ${at.segment}: ${problem}`;
  return new WalUnreadableError('WAL_CHECKPOINT_CORRUPT', message, at);
}

async function visitSegment(
  vfs: Vfs,
  path: string,
  segment: number,
  codec: Codec,
  visitor: Parameters<typeof readSegment>[3],
): Promise<SegmentEnd> {
  const file = await vfs.open(path, 'read');
  try {
    return await readSegment(file, segment, codec, visitor);
  } finally {
    await file.close();
  }
}
