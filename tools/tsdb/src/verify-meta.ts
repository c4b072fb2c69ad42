import { BlockCorruptError, parseBlockMeta, type BlockMeta } from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import { type Reporter, foundBy } from './finding.js';

const file = 'meta.json';
const zeroUlid = '0'.repeat(26);
const twoHoursMs = 2 * 3_600_000;

/** Invariants 1, 2 and 25: a block's name and meta.json. Undefined when there is nothing to go by. */
export async function verifyMeta(
  vfs: Vfs,
  dir: string,
  name: string,
  report: Reporter,
): Promise<BlockMeta | undefined> {
  if (!isUlid(name)) report.error(1, '', `the directory is called ${name}, which is no block id: readers pass over it`);
  const meta = await readMeta(vfs, dir, report);
  if (meta === undefined) return undefined;
  verifyId(meta, name, report);
  verifyFields(meta, report);
  verifyAlignment(meta, report);
  return meta;
}

async function readMeta(vfs: Vfs, dir: string, report: Reporter): Promise<BlockMeta | undefined> {
  if ((await vfs.stat(`${dir}/${file}`)) === undefined) {
    report.error(2, file, 'it is missing: readers pass over the block');
    return undefined;
  }
  try {
    return parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/${file}`)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof BlockCorruptError)) throw error;
    report.error(2, { file, offset: error.offset }, foundBy(error));
    return undefined;
  }
}

function verifyId({ ulid }: BlockMeta, name: string, report: Reporter): void {
  if (ulid === zeroUlid) report.error(1, file, 'the block id is missing or zero');
  else if (isUlid(name) && ulid !== name.toUpperCase())
    report.error(1, file, `the block id is ${ulid}, and the directory is called ${name}`);
}

function verifyFields({ ulid, minTime, maxTime, compaction }: BlockMeta, report: Reporter): void {
  if (minTime >= maxTime) report.error(2, file, `the block covers [${minTime}, ${maxTime}), which is no time at all`);
  const { level, sources = [] } = compaction;
  if (level < 1) report.warning(2, file, `the compaction level is ${level}`);
  if (sources.length === 0) report.warning(2, file, 'the block names no sources');
  else if (level === 1 && (sources.length > 1 || sources[0] !== ulid))
    report.warning(2, file, `a block of level 1 has itself as its source, and this one ${sources.join(', ')}`);
}

function verifyAlignment({ minTime, maxTime, compaction }: BlockMeta, report: Reporter): void {
  if (compaction.level === 1 && maxTime % twoHoursMs !== 0)
    report.info(25, file, `the block ends at ${maxTime}, not at a full two hours, as one cut at shutdown does`);
  // Ranges are 2 h × 3^k; the smallest that the whole block fits has to hold it.
  let rangeMs = twoHoursMs;
  while (rangeMs < maxTime - minTime) rangeMs *= 3;
  if (Math.floor(minTime / rangeMs) !== Math.floor((maxTime - 1) / rangeMs))
    report.info(25, file, `[${minTime}, ${maxTime}) lies across a boundary of ${rangeMs / 3_600_000} h ranges`);
}
