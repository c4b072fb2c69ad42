import {
  RecordType,
  decodeExemplars,
  decodeHistograms,
  decodeMarkers,
  decodeMetadata,
  decodeSamples,
  decodeSamplesV2,
  decodeSeries,
  decodeTombstones,
  listWal,
  recordType,
  replayWal,
  segmentName,
  WalUnreadableError,
} from '@gauntlet/wal';
import { int64Max, int64Min } from '@gauntlet/base';
import { areLabelsValid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import type { Reporter } from './finding.js';
import type { Progress } from './progress.js';

export type LogKind = 'wal' | 'wbl' | 'journal';

/** What a log says of series: the references that it names. Memory grows by some 50 bytes for each. */
export class LoggedSeries {
  readonly #known = new Set<number>();
  /** Removed by a tombstone over all times, after which a series may be logged again. */
  readonly #removed = new Set<number>();
  /** False behind damage: a series may have been named there. */
  isWhole = true;
  /** Blocks hold everything older; -Infinity without blocks. */
  coveredMs = -Infinity;

  /** False when the reference is in use. */
  add(ref: number): boolean {
    const isFresh = !this.#known.has(ref) || this.#removed.has(ref);
    this.#known.add(ref);
    this.#removed.delete(ref);
    return isFresh;
  }

  remove(ref: number): void {
    if (this.#known.has(ref)) this.#removed.add(ref);
  }

  has(ref: number): boolean {
    return this.#known.has(ref);
  }
}

export interface LogContext {
  readonly kind: LogKind;
  readonly report: Reporter;
  readonly progress: Progress;
  /** Filled by the WAL, and asked by it and the WBL. */
  readonly series: LoggedSeries;
}

/**
 * The log rules of spec/tsdb.md sections 2 and 8: numbers without a gap, pages and fragments, records that decode, samples of series
 * that were named before, no series named twice. Returns the number of records. One record at a time is in memory.
 */
export async function verifyLog(vfs: Vfs, dir: string, context: LogContext): Promise<number> {
  const { kind, report } = context;
  const { segments, checkpoints } = await listWal(vfs, dir);
  await reportOthers(vfs, dir, context);
  const checkpoint = kind === 'wal' ? checkpoints.at(-1) : undefined;
  for (const older of checkpoints.slice(0, -1))
    report.info(kind, checkpointName(older), 'a newer checkpoint stands for it; a crash came before it was removed');
  let records = 0;
  if (checkpoint !== undefined) {
    const name = checkpointName(checkpoint);
    const inside = await listWal(vfs, `${dir}/${name}`);
    reportGaps(inside.segments, inside.segments[0] ?? 0, kind, report.below(name));
    records += await verifySegments(vfs, `${dir}/${name}`, inside.segments, {
      ...context,
      report: report.below(name),
      isCheckpoint: true,
    });
  }
  const first = kind === 'wal' ? (checkpoint ?? -1) + 1 : (segments[0] ?? 0);
  const covered = segments.filter((segment) => segment < first);
  if (covered.length > 0)
    report.info(kind, segmentName(covered[0]!), 'the checkpoint stands for it; a crash came before it was removed');
  const rest = segments.filter((segment) => segment >= first);
  reportGaps(rest, first, kind, report);
  if (rest[0] !== undefined && rest[0] !== first) context.series.isWhole = false;
  return records + (await verifySegments(vfs, dir, rest, { ...context, isCheckpoint: false }));
}

function checkpointName(checkpoint: number): string {
  return `checkpoint.${segmentName(checkpoint)}`;
}

async function reportOthers(vfs: Vfs, dir: string, { kind, report }: LogContext): Promise<void> {
  for (const { name } of await vfs.readDir(dir)) {
    if (/^\d+$/.test(name) || /^checkpoint\.\d+$/.test(name) || name === 'series_state.json') continue;
    if (name.endsWith('.tmp')) report.info(kind, name, 'left half done; the next start removes it');
    else report.info(kind, name, 'no reader opens it; damaged files are set aside like this');
  }
}

function reportGaps(segments: readonly number[], first: number, kind: LogKind, report: Reporter): void {
  segments.forEach((segment, at) => {
    const expected = at === 0 ? first : segments[at - 1]! + 1;
    if (segment === expected) return;
    const missing =
      segment - expected === 1
        ? `segment ${segmentName(expected)} is missing`
        : `segments ${segmentName(expected)} to ${segmentName(segment - 1)} are missing`;
    report.error(kind, segmentName(segment), missing);
  });
}

interface SegmentContext extends LogContext {
  readonly isCheckpoint: boolean;
}

/** Each segment by itself, so that those behind damage are verified, too. */
async function verifySegments(
  vfs: Vfs,
  dir: string,
  segments: readonly number[],
  context: SegmentContext,
): Promise<number> {
  const { kind, report, progress, isCheckpoint } = context;
  let records = 0;
  for (const segment of segments) {
    const file = segmentName(segment);
    const stat = await vfs.stat(`${dir}/${file}`);
    if (stat === undefined) {
      report.error(kind, file, 'its name has too few or too many digits, and no reader opens it');
      continue;
    }
    const check = new RecordCheck(context, file);
    try {
      const result = await replayWal(vfs, dir, {
        fromSegment: segment,
        toSegment: segment,
        onRecord: (record, at) => check.take(record, at.offset),
        onPause: () => {
          progress.throwIfStopped();
          return Promise.resolve();
        },
      });
      records += result.records;
      if (result.damage !== undefined) {
        const { at, problem } = result.damage;
        const isTail = !isCheckpoint && segment === segments.at(-1) && / torn$/.test(problem);
        if (isTail)
          report.info(kind, { file, offset: at.offset }, `${problem}, as a crash leaves it; a start cuts it off`);
        else report.error(kind, { file, offset: at.offset }, problem);
        context.series.isWhole = false;
      }
    } catch (error) {
      if (!(error instanceof WalUnreadableError)) throw error;
      report.error(kind, { file, ...(error.at && { offset: error.at.offset }) }, error.message);
      context.series.isWhole = false;
    }
    check.finish();
    progress.add(stat.size);
  }
  return records;
}

const wblTypes: readonly number[] = [2, 5, 7, 8, 9, 10, 11, 12, 13];

/** What the records of one segment say. Errors of the decoders pass: they are damage at that record. */
class RecordCheck {
  readonly #context: LogContext;
  readonly #file: string;
  #orphans: { count: number; ref: number; offset: number } | undefined;
  /** Those of them that blocks cover: their series may have left a checkpoint, and a replay passes over the samples in any case. */
  #coveredOrphans = 0;
  #unknown: { count: number; type: number; offset: number } | undefined;

  constructor(context: LogContext, file: string) {
    this.#context = context;
    this.#file = file;
  }

  /** @param offset behind the record */
  take(record: Uint8Array, offset: number): void {
    const { kind, report } = this.#context;
    // Records of the journal are requests, which no type precedes.
    if (kind === 'journal' || record.length === 0) return;
    const type = recordType(record);
    if (kind === 'wbl' && type <= 13 && !wblTypes.includes(type))
      report.error(
        kind,
        { file: this.#file, offset },
        `a record of type ${type} is before this byte, and a WBL has none`,
      );
    switch (type) {
      case RecordType.series:
        return this.#takeSeries(record, offset);
      case RecordType.samples:
        return this.#takeRefs(decodeSamples(record), offset);
      case RecordType.samplesV2:
        return this.#takeRefs(decodeSamplesV2(record), offset);
      case RecordType.histograms:
      case RecordType.floatHistograms:
      case RecordType.customBucketHistograms:
      case RecordType.customBucketFloatHistograms:
      case RecordType.histogramsV2:
      case RecordType.floatHistogramsV2:
        return this.#takeRefs(decodeHistograms(record), offset);
      case RecordType.exemplars:
        return this.#takeRefs(decodeExemplars(record), offset);
      case RecordType.markers:
        return this.#takeRefs(decodeMarkers(record), offset);
      case RecordType.metadata:
        decodeMetadata(record);
        return;
      case RecordType.tombstones:
        for (const { ref, minTimeMs, maxTimeMs } of decodeTombstones(record))
          if (minTimeMs === int64Min && maxTimeMs === int64Max) this.#context.series.remove(ref);
        return;
      default:
        this.#unknown ??= { count: 0, type, offset };
        this.#unknown.count += 1;
    }
  }

  finish(): void {
    const { kind, report, series } = this.#context;
    if (this.#unknown !== undefined) {
      const { count, type, offset } = this.#unknown;
      report.info(
        kind,
        { file: this.#file, offset },
        `${count} records of unknown types, the first, before this byte, of type ${type}`,
      );
    }
    if (this.#coveredOrphans > 0)
      report.info(
        kind,
        this.#file,
        `${this.#coveredOrphans} samples that are in blocks are of series that no checkpoint names any more`,
      );
    if (this.#orphans === undefined || !series.isWhole) return;
    const { count, ref, offset } = this.#orphans;
    const found = `${count} samples of series that were not named before, the first, before this byte, of series ${ref}`;
    report.error(kind, { file: this.#file, offset }, found);
  }

  #takeSeries(record: Uint8Array, offset: number): void {
    const { kind, report, series } = this.#context;
    const place = { file: this.#file, offset };
    for (const { ref, labels } of decodeSeries(record)) {
      if (!series.add(ref))
        report.error(
          kind,
          place,
          `series ${ref} is named a second time before this byte: a replay forgets what it has of it`,
        );
      if (!areLabelsValid(labels))
        report.warning(kind, place, `labels of series ${ref}, named before this byte, are out of order or empty`);
    }
  }

  #takeRefs(entries: readonly { readonly ref: number; readonly timestampMs?: bigint }[], offset: number): void {
    const { kind, series } = this.#context;
    for (const { ref, timestampMs } of entries) {
      if (series.has(ref)) continue;
      if (kind === 'wal' && timestampMs !== undefined && timestampMs < series.coveredMs) {
        this.#coveredOrphans += 1;
        continue;
      }
      this.#orphans ??= { count: 0, ref, offset };
      this.#orphans.count += 1;
    }
  }
}
