import { messageOf, secondMs } from '@gauntlet/base';
import type { Head } from '@gauntlet/head';
import { loadHeadChunks } from '@gauntlet/head-chunks';
import { repairWal, replayWal, type ReplayOptions, type ReplayResult, type WalDamage } from '@gauntlet/wal';
import { freeNameAside, isSetAside } from '@gauntlet/vfs';
import { headChunksDir, walDir, wblDir } from './database-layout.js';
import { inSlices } from './slices.js';
import type { TsdbOptions } from './tsdb-options.js';

const progressIntervalMs = 5 * secondMs;
/** The longest piece of a replay between two turns of the event loop, in milliseconds. */
const yieldEveryMs = 5;

interface ReplayContext extends Pick<TsdbOptions, 'vfs' | 'dir' | 'clock' | 'log'> {
  /** Ends the replay early. */
  readonly signal: AbortSignal;
}

/** What a replay has found to be damaged, by where. Everything before the damage is in the head; the damaged files are set aside. */
export interface ReplayDamage {
  headChunks: number;
  checkpoints: number;
  segments: number;
  outOfOrderSegments: number;
}

/**
 * Replays a tenant's logs into its head, in the order of spec/tsdb.md 2.7: checkpoint, log, out-of-order log. What is damaged is set aside under a name that
 * says so, and everything before it is kept. The chunks in files have been attached before.
 */
export async function replayLogs(options: ReplayContext, head: Head, damage: ReplayDamage): Promise<void> {
  const { dir, log, clock, signal } = options;
  const startMs = clock.monotonicMs();
  const wal = await replayLog(options, walDir(dir), {}, (record) => head.replay(record), damage);
  const wbl = await replayLog(
    options,
    wblDir(dir),
    { fromSegment: 'first' },
    (record) => head.replayOutOfOrder(record),
    damage,
  );
  signal.throwIfAborted();
  // Series whose samples are all in blocks by now.
  await inSlices((budgetMs) => head.truncate(head.minValidTimeMs, budgetMs));
  const { series, samples, dropped, unknownRefs } = head.replayed;
  const records = (wal?.records ?? 0) + (wbl?.records ?? 0);
  if (records > 0)
    log.info('log is replayed', {
      dir,
      seconds: (clock.monotonicMs() - startMs) / secondMs,
      bytes: (wal?.bytes ?? 0) + (wbl?.bytes ?? 0),
      records,
      series,
      samples,
      dropped,
      unknownRefs,
    });
}

/** Tells the head which chunks are in files. They are a copy of what the log holds: when they cannot be used, nothing is lost. */
export async function attachHeadChunks(
  { vfs, dir, log, signal }: ReplayContext,
  makeHead: () => Head,
  damage: ReplayDamage,
): Promise<Head> {
  const chunksDir = headChunksDir(dir);
  const head = makeHead();
  if ((await vfs.stat(chunksDir)) === undefined) return head;
  try {
    const found = await loadHeadChunks(vfs, chunksDir, {
      onChunk: (chunk) => {
        head.attachStored(chunk);
      },
      signal,
    });
    if (found.damage !== undefined) {
      damage.headChunks += 1;
      log.error('head chunks are damaged: those before the damage are used, the files are set aside', {
        dir: chunksDir,
        ...found.damage,
      });
    }
    return head;
  } catch (error) {
    if ((error as { readonly kind?: string }).kind !== 'corrupt') throw error;
    damage.headChunks += 1;
    log.error('head chunks contradict each other: the files are set aside, the log has all they held', {
      dir: chunksDir,
      error: messageOf(error),
    });
    for (const { name } of await vfs.readDir(chunksDir)) {
      if (isSetAside(name)) continue;
      await vfs.rename(`${chunksDir}/${name}`, `${chunksDir}/${await freeNameAside(vfs, chunksDir, name)}`);
    }
    await vfs.syncDir(chunksDir);
    return makeHead();
  }
}

async function replayLog(
  { vfs, clock, log, signal }: ReplayContext,
  dir: string,
  from: Pick<ReplayOptions, 'fromSegment'>,
  onRecord: (record: Uint8Array) => void,
  damage: ReplayDamage,
): Promise<ReplayResult | undefined> {
  if ((await vfs.stat(dir)) === undefined) return undefined;
  let reportedMs = clock.monotonicMs();
  const result = await replayWal(vfs, dir, {
    ...from,
    onRecord,
    onProgress: (bytesDone, bytesTotal) => {
      signal.throwIfAborted();
      const nowMs = clock.monotonicMs();
      if (nowMs - reportedMs < progressIntervalMs) return;
      reportedMs = nowMs;
      log.info('replaying the log', {
        dir,
        bytesDone,
        bytesTotal,
        percent: Math.floor((100 * bytesDone) / bytesTotal),
      });
    },
    yieldEveryMs,
    clock,
  });
  if (result.damage === undefined) return result;
  const { setAside: files } = await repairWal(vfs, dir, result.damage);
  for (let found: WalDamage | undefined = result.damage; found !== undefined; found = found.then) {
    if (dir.endsWith('/wbl')) damage.outOfOrderSegments += 1;
    else if (found.checkpoint === undefined) damage.segments += 1;
    else damage.checkpoints += 1;
    const { segment, offset } = found.at;
    log.error('log is damaged: everything before the damage is kept, the rest is set aside', {
      dir,
      checkpoint: found.checkpoint,
      segment,
      offset,
      problem: found.problem,
    });
  }
  if (files.length > 0) log.warn('files of the log are set aside', { dir, files });
  return result;
}
