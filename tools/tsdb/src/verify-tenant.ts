import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import { type Finding, Reporter } from './finding.js';
import { Progress } from './progress.js';
import { verifyBlock } from './verify-block.js';
import { verifyHeadChunks } from './verify-head-chunks.js';
import { type BlockInPlace, verifyNeighbours } from './verify-neighbours.js';
import { LoggedSeries, type LogKind, verifyLog } from './verify-wal.js';

export interface Summary {
  readonly tenants: number;
  readonly blocks: number;
  /** Of blocks: a series counts once for each block. */
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
  readonly headChunks: number;
  readonly logRecords: number;
  readonly errors: number;
  readonly warnings: number;
  readonly infos: number;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /** Bytes of files; called often. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

const logs: readonly (readonly [directory: string, kind: LogKind])[] = [
  ['wal', 'wal'],
  ['wbl', 'wbl'],
  ['.gauntlet-journal', 'journal'],
];
const leftover = /\.tmp(-for-creation|-for-deletion)?$/;

/**
 * Verifies one tenant's directory, or any directory of blocks: all that is in it, against spec/tsdb.md section 8. Nothing is changed, repaired or renamed, and
 * nobody may write to it meanwhile.
 *
 * Memory: for a block, its symbols, 24 bytes for each label pair and 4 for each series; for logs and head chunks, about 100 bytes for each series. Chunks and
 * postings lists are read one by one.
 * @throws the signal's reason, and what the disk throws
 */
export async function verifyTenant(
  vfs: Vfs,
  dir: string,
  onFinding: (finding: Finding) => void,
  options: VerifyOptions = {},
): Promise<Summary> {
  return counting(vfs, [dir], onFinding, options, (verification) => verification.tenant(dir, verification.report));
}

/** Verifies an ingester's data directory: all tenants, which are the directories in it. */
export async function verifyDataDirectory(
  vfs: Vfs,
  dir: string,
  onFinding: (finding: Finding) => void,
  options: VerifyOptions = {},
): Promise<Summary> {
  const entries = await vfs.readDir(dir);
  const tenants = entries.filter(
    ({ kind, name }) => kind === 'directory' && !name.startsWith('.') && name !== 'lost+found',
  );
  return counting(vfs, [dir], onFinding, options, async (verification) => {
    for (const { name } of tenants) await verification.tenant(`${dir}/${name}`, verification.report.below(name));
  });
}

/** Verifies one block. Its name is that of the directory. */
export async function verifyBlockDirectory(
  vfs: Vfs,
  dir: string,
  onFinding: (finding: Finding) => void,
  options: VerifyOptions = {},
): Promise<Summary> {
  const name = dir.replace(/\/+$/, '').split('/').at(-1)!;
  return counting(vfs, [dir], onFinding, options, async (verification) => {
    await verification.block(dir, name, verification.report.below(name));
  });
}

async function counting(
  vfs: Vfs,
  dirs: readonly string[],
  onFinding: (finding: Finding) => void,
  { signal, onProgress }: VerifyOptions,
  run: (verification: Verification) => Promise<void>,
): Promise<Summary> {
  const counts = { E: 0, W: 0, info: 0 };
  const report = new Reporter((finding) => {
    counts[finding.severity] += 1;
    onFinding(finding);
  });
  const progress = new Progress(
    ({ bytesDone, bytesTotal }) => onProgress?.(Math.min(bytesDone, bytesTotal), bytesTotal),
    signal,
  );
  if (onProgress !== undefined) for (const dir of dirs) progress.bytesTotal += await bytesBelow(vfs, dir);
  const verification = new Verification(vfs, report, progress);
  await run(verification);
  return { ...verification.counts, errors: counts.E, warnings: counts.W, infos: counts.info };
}

class Verification {
  readonly report: Reporter;
  readonly counts = { tenants: 0, blocks: 0, series: 0, chunks: 0, samples: 0, headChunks: 0, logRecords: 0 };
  readonly #vfs: Vfs;
  readonly #progress: Progress;

  constructor(vfs: Vfs, report: Reporter, progress: Progress) {
    this.#vfs = vfs;
    this.report = report;
    this.#progress = progress;
  }

  async tenant(dir: string, report: Reporter): Promise<void> {
    this.counts.tenants += 1;
    const entries = (await this.#vfs.readDir(dir)).filter(({ kind }) => kind === 'directory');
    const blocks: BlockInPlace[] = [];
    for (const { name } of entries) {
      if (isUlid(name)) {
        const meta = await this.block(`${dir}/${name}`, name, report.below(name));
        if (meta !== undefined) blocks.push({ name, meta });
      } else reportDirectory(name, report);
    }
    verifyNeighbours(blocks, report);
    const series = new LoggedSeries();
    const ordinary = blocks.filter(({ meta }) => (meta.compaction.hints ?? []).length === 0);
    series.coveredMs = Math.max(-Infinity, ...ordinary.map(({ meta }) => meta.maxTime));
    for (const [name, kind] of logs) {
      if (!entries.some((entry) => entry.name === name)) continue;
      const context = { kind, series, report: report.below(name), progress: this.#progress };
      this.counts.logRecords += await verifyLog(this.#vfs, `${dir}/${name}`, context);
    }
    if (!entries.some(({ name }) => name === 'chunks_head')) return;
    const context = { report: report.below('chunks_head'), progress: this.#progress };
    this.counts.headChunks += await verifyHeadChunks(this.#vfs, `${dir}/chunks_head`, context);
  }

  async block(dir: string, name: string, report: Reporter): Promise<BlockInPlace['meta'] | undefined> {
    this.#progress.throwIfStopped();
    const outcome = await verifyBlock(this.#vfs, dir, { name, report, progress: this.#progress });
    this.counts.blocks += 1;
    this.counts.series += outcome.series;
    this.counts.chunks += outcome.chunks;
    this.counts.samples += outcome.samples;
    return outcome.meta;
  }
}

function reportDirectory(name: string, report: Reporter): void {
  if (leftover.test(name)) report.info('directory', name, 'left half done; the next start removes it');
  else if (name.startsWith('chunk_snapshot.')) report.info('directory', name, 'snapshots are not verified');
  else if (isUlid(name.slice(0, 26)))
    report.info('directory', name, 'no reader opens it; damaged blocks are set aside like this');
}

async function bytesBelow(vfs: Vfs, dir: string): Promise<number> {
  let bytes = 0;
  for (const { name, kind } of await vfs.readDir(dir))
    bytes +=
      kind === 'directory' ? await bytesBelow(vfs, `${dir}/${name}`) : ((await vfs.stat(`${dir}/${name}`))?.size ?? 0);
  return bytes;
}
