import { setImmediate } from 'node:timers/promises';
import { type Clock, systemClock } from '@gauntlet/base';
import type { Vfs } from '@gauntlet/vfs';
import { kernelCodec, type Codec } from './codec.js';
import { type SegmentEnd, type SegmentVisitor, readSegment } from './segment-reader.js';
import { checkpointName, listWal, segmentName } from './segments.js';
import type { WalPosition } from './wal.js';
import { WalUnreadableError } from './wal-error.js';

export interface ReplayOptions {
  /**
   * Where to begin: by default with the newest checkpoint and the segment behind it (segment 0 without one).
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
  /**
   * `damaged`: a segment cannot be read past a place. `missing`: a segment is not there, and those behind it are not read.
   * `headless`: the log begins behind segment 0 though it has no checkpoint; what there is was read.
   */
  readonly kind: 'damaged' | 'missing' | 'headless';
  /** The checkpoint that holds the segment; undefined in the log itself. */
  readonly checkpoint: number | undefined;
  /** Where reading stopped. */
  readonly at: WalPosition;
  /** Behind the last good record of that segment; what `repairWal` keeps. */
  readonly goodEnd: number;
  readonly problem: string;
  /** Damage further on: replay passes over that to a checkpoint, and stops at the first in the log itself. */
  readonly then?: WalDamage;
}

export interface ReplayResult {
  readonly checkpoint: number | undefined;
  /** Undefined when there is no segment. */
  readonly lastSegment: number | undefined;
  readonly records: number;
  readonly bytes: number;
  /**
   * Set when the log is damaged. Of the log itself, everything before the damage was replayed and nothing behind it; of a damaged
   * checkpoint everything before the damage, and then the log.
   */
  readonly damage?: WalDamage;
}

/**
 * Visits all records of a log in order, and tells of damage, which `repairWal` then sets aside. Other tasks get their turn between
 * pieces of the log (256 KiB).
 */
export async function replayWal(vfs: Vfs, dir: string, options: ReplayOptions): Promise<ReplayResult> {
  const { clock = systemClock, codec = kernelCodec, yieldEveryMs = 10, onPause, onProgress, onRecord } = options;
  const plan = await planReplay(vfs, dir, options);
  const at = { checkpoint: undefined as number | undefined, segment: 0, offset: 0 };
  let records = 0;
  let bytesDone = 0;
  let yieldedMs = clock.monotonicMs();
  const damages: WalDamage[] = [];

  const visit = async (part: Part): Promise<WalDamage | undefined> => {
    const { checkpoint, segment } = part;
    at.checkpoint = checkpoint;
    at.segment = segment;
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
    const { goodEnd, damage } = await visitSegment(vfs, part.path, codec, visitor);
    bytesDone += part.bytes;
    await visitor.onPiece(part.bytes);
    if (damage === undefined) return undefined;
    const { offset, problem } = damage;
    return { kind: 'damaged', checkpoint, at: { segment, offset }, goodEnd, problem };
  };

  for (const { headless, parts, gap } of plan.stretches) {
    if (headless !== undefined) damages.push(headless);
    let damage = undefined as WalDamage | undefined;
    for (const part of parts) if ((damage = await visit(part)) !== undefined) break;
    damage ??= gap;
    if (damage !== undefined) damages.push(damage);
  }
  const damage = chained(damages);
  const result = { checkpoint: plan.checkpoint, lastSegment: plan.lastSegment, records, bytes: bytesDone };
  return damage === undefined ? result : { ...result, damage };
}

/** The first of them, from which the others hang. */
function chained(damages: readonly WalDamage[]): WalDamage | undefined {
  return damages.reduceRight<WalDamage | undefined>(
    (then, damage) => (then === undefined ? damage : { ...damage, then }),
    undefined,
  );
}

interface Part {
  readonly path: string;
  readonly checkpoint: number | undefined;
  readonly segment: number;
  readonly bytes: number;
}

/** Segments that follow one another. */
interface Stretch {
  readonly headless?: WalDamage;
  readonly parts: readonly Part[];
  /** Segments beyond it are there, but not the next one. */
  readonly gap: WalDamage | undefined;
}

interface Plan {
  /** The checkpoint's, then the log's. */
  readonly stretches: readonly Stretch[];
  readonly checkpoint: number | undefined;
  readonly lastSegment: number | undefined;
  readonly bytesTotal: number;
}

async function planReplay(vfs: Vfs, dir: string, { fromSegment, toSegment = Infinity }: ReplayOptions): Promise<Plan> {
  const { segments, checkpoints } = await listWal(vfs, dir);
  const checkpoint = fromSegment === undefined ? checkpoints.at(-1) : undefined;
  const stretches: Stretch[] = [];
  if (checkpoint !== undefined) {
    const path = `${dir}/${checkpointName(checkpoint)}`;
    const { segments: inside } = await listWal(vfs, path);
    stretches.push(await stretchOf(vfs, path, inside, inside[0] ?? 0, checkpoint));
  }
  const isHeadless = fromSegment === undefined && checkpoint === undefined && (segments[0] ?? 0) > 0;
  const isAnywhere = fromSegment === 'first' || isHeadless;
  const first = isAnywhere ? (segments[0] ?? 0) : (fromSegment ?? (checkpoint ?? -1) + 1);
  const wanted = segments.filter((segment) => segment >= first && segment <= toSegment);
  const stretch = await stretchOf(vfs, dir, wanted, first);
  stretches.push(isHeadless ? { ...stretch, headless: missingSegments(0, first) } : stretch);
  return {
    stretches,
    checkpoint,
    lastSegment: segments.at(-1),
    bytesTotal: stretches.flatMap(({ parts }) => parts).reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

async function stretchOf(
  vfs: Vfs,
  path: string,
  segments: readonly number[],
  first: number,
  checkpoint?: number,
): Promise<Stretch> {
  const parts: Part[] = [];
  for (const segment of segments) {
    const wanted = first + parts.length;
    const file = `${path}/${segmentName(wanted)}`;
    // It may be listed and yet not found: by a name with fewer digits, which no reader opens.
    const found = segment === wanted ? await vfs.stat(file) : undefined;
    if (found === undefined) {
      const problem = `segment ${segmentName(wanted)} is missing`;
      const at = { segment: wanted, offset: 0 };
      return { parts, gap: { kind: 'missing', checkpoint, at, goodEnd: 0, problem } };
    }
    parts.push({ path: file, checkpoint, segment, bytes: found.size });
  }
  return { parts, gap: undefined };
}

function missingSegments(from: number, to: number): WalDamage {
  const problem = `segments ${segmentName(from)} to ${segmentName(to - 1)} are missing, and there is no checkpoint`;
  return { kind: 'headless', checkpoint: undefined, at: { segment: to, offset: 0 }, goodEnd: 0, problem };
}

/** What a checkpoint stands for has to be there. */
export function refuseGap(dir: string, segments: readonly number[], first: number): void {
  segments.forEach((segment, index) => {
    if (segment === first + index) return;
    const message = `Cannot read WAL ${dir}: segment ${segmentName(first + index)} is missing`;
    throw new WalUnreadableError('WAL_SEGMENT_GAP', message);
  });
}

async function visitSegment(vfs: Vfs, path: string, codec: Codec, visitor: SegmentVisitor): Promise<SegmentEnd> {
  const file = await vfs.open(path, 'read');
  try {
    return await readSegment(file, codec, visitor);
  } finally {
    await file.close();
  }
}
