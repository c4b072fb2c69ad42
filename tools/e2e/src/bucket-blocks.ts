import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promtoolDump, type Dump, type DumpRange } from './promtool.js';

export interface BucketBlock {
  readonly id: string;
  readonly dir: string;
  readonly meta: BlockMeta;
}
export interface BlockMeta {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: { readonly numSamples?: number; readonly numSeries?: number };
  readonly thanos: { readonly labels: Readonly<Record<string, string>>; readonly source: string };
}

/** The complete blocks of a filesystem bucket: those with a meta.json, which is uploaded last. */
export function listBucket(bucketDir: string): BucketBlock[] {
  return readdirSync(bucketDir)
    .filter((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id) && existsSync(join(bucketDir, id, 'meta.json')))
    .map((id) => ({
      id,
      dir: join(bucketDir, id),
      meta: JSON.parse(readFileSync(join(bucketDir, id, 'meta.json'), 'utf8')) as BlockMeta,
    }))
    .sort((a, b) => a.meta.minTime - b.meta.minTime);
}

/** Copies the blocks that carry the external labels into a folder that promtool can read. */
export function gatherBlocks(bucketDir: string, labels: Readonly<Record<string, string>>, into: string): BucketBlock[] {
  const blocks = listBucket(bucketDir).filter(({ meta }) =>
    Object.entries(labels).every(([name, value]) => meta.thanos.labels[name] === value),
  );
  mkdirSync(join(into, 'wal'), { recursive: true }); // An empty log, since promtool will not open a database without one.
  for (const { id, dir } of blocks) cpSync(dir, join(into, id), { recursive: true });
  return blocks;
}

/** The samples in the bucket below some external labels. */
export async function dumpBucket(
  bucketDir: string,
  labels: Readonly<Record<string, string>>,
  into: string,
  range: DumpRange = {},
): Promise<Dump> {
  gatherBlocks(bucketDir, labels, into);
  return promtoolDump(into, range);
}
