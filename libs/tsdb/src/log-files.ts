import { OperationalError } from '@gauntlet/base';
import type { Head } from '@gauntlet/head';
import {
  openWal,
  planCheckpoint,
  recordType,
  RecordType,
  repairWal,
  replayWal,
  truncateWal,
  writeCheckpoint,
  type WalWriter,
} from '@gauntlet/wal';
import { inSlices } from './slices.js';
import type { TsdbOptions } from './tsdb-options.js';

/** The log holds samples of a kind that this version does not keep: opening it would lose them with the next checkpoint. */
export class UnsupportedDataError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'TSDB_DATA_UNSUPPORTED';
}

const progressIntervalMs = 5000;

/** Replays the log into the head, sets aside what is damaged, and opens the log for writing. */
export async function openLog(options: TsdbOptions, head: Head): Promise<WalWriter> {
  const { vfs, dir, log, clock, wal, signal } = options;
  const walDir = `${dir}/wal`;
  await refuseOutOfOrderLog(options);
  const startMs = clock.monotonicMs();
  let reportedMs = startMs;
  if ((await vfs.stat(walDir)) !== undefined) {
    const { damage, records, bytes } = await replayWal(vfs, walDir, {
      onRecord: (record) => replayRecord(head, record, walDir),
      onProgress: (bytesDone, bytesTotal) => {
        signal?.throwIfAborted();
        const nowMs = clock.monotonicMs();
        if (nowMs - reportedMs < progressIntervalMs) return;
        reportedMs = nowMs;
        log.info('replaying the log', {
          dir: walDir,
          bytesDone,
          bytesTotal,
          percent: Math.floor((100 * bytesDone) / bytesTotal),
          series: head.seriesCount,
        });
      },
      clock,
    });
    if (damage !== undefined) {
      log.error('log is damaged: everything before the damage is kept, the rest is set aside', {
        dir: walDir,
        segment: damage.at.segment,
        offset: damage.at.offset,
        problem: damage.problem,
      });
      await repairWal(vfs, walDir, damage);
    }
    // Series whose samples are all in blocks by now.
    await inSlices((budgetMs) => head.truncate(head.minValidTimeMs, budgetMs));
    const { series, samples, dropped, unknownRefs } = head.replayed;
    if (records > 0)
      log.info('log is replayed', {
        dir: walDir,
        seconds: (clock.monotonicMs() - startMs) / 1000,
        bytes,
        records,
        series,
        samples,
        dropped,
        unknownRefs,
      });
  }
  // The bound is kept before the head is changed: once it is, the log must take the records.
  return openWal(vfs, walDir, { ...wal, pendingBytesMax: Infinity });
}

/** Kinds of records that carry samples which this version's head cannot keep. */
const unsupportedRecords: ReadonlySet<number> = new Set([
  RecordType.histograms,
  RecordType.floatHistograms,
  RecordType.customBucketHistograms,
  RecordType.customBucketFloatHistograms,
  RecordType.samplesV2,
  RecordType.histogramsV2,
  RecordType.floatHistogramsV2,
]);

function replayRecord(head: Head, record: Uint8Array, dir: string): void {
  const type = recordType(record);
  if (type === RecordType.series || type === RecordType.samples) head.replay(record);
  // Deletions and their like. Exemplars and metadata are not kept by this version, and are no samples.
  else if (type === RecordType.tombstones || unsupportedRecords.has(type)) {
    throw new UnsupportedDataError(
      `Cannot replay WAL ${dir}: it holds records of type ${type}, which this version does not keep`,
    );
  }
}

/** Out-of-order samples live in a log of their own, which this version does not read. */
async function refuseOutOfOrderLog({ vfs, dir }: TsdbOptions): Promise<void> {
  const wbl = `${dir}/wbl`;
  if ((await vfs.stat(wbl)) === undefined) return;
  for (const { name } of await vfs.readDir(wbl)) {
    if (((await vfs.stat(`${wbl}/${name}`))?.size ?? 0) > 0) {
      throw new UnsupportedDataError(
        `Cannot open ${dir}: it holds out-of-order samples in wbl/${name}, which this version does not keep`,
      );
    }
  }
}

/**
 * After a cut: replaces about two thirds of the old segments by a checkpoint (spec/tsdb.md 2.6). Returns whether it did; there may be too few of them.
 * @param minTimeMs samples before it are in blocks
 */
export async function truncateLog(
  { vfs, dir }: TsdbOptions,
  head: Head,
  wal: WalWriter,
  minTimeMs: number,
): Promise<boolean> {
  const walDir = `${dir}/wal`;
  // A log that fails, for want of space perhaps, cannot be rolled; its complete segments are those before the current one.
  const isOpen = wal.state === 'open';
  const lastComplete = isOpen ? wal.segment : wal.segment - 1;
  if (isOpen) await wal.roll();
  const plan = await planCheckpoint(vfs, walDir, lastComplete);
  if (plan === undefined) return false;
  await writeCheckpoint(vfs, walDir, { ...plan, minTimeMs, keep: (ref) => head.keepInCheckpoint(ref, minTimeMs) });
  await truncateWal(vfs, walDir, plan.to);
  return true;
}
