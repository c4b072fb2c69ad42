import type { BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import type { Reporter } from './finding.js';

/** What the `thanos` section of a bucket's meta.json says of the block's files (spec/tsdb.md 4.6). */
export async function verifyThanosFiles(vfs: Vfs, dir: string, { thanos }: BlockMeta, report: Reporter): Promise<void> {
  if (thanos === undefined) return;
  if (Object.keys(thanos.labels).length === 0)
    report.warning('thanos', 'meta.json', 'the block has no external labels, and Thanos refuses it');
  for (const { rel_path: name, size_bytes: size } of thanos.files ?? []) {
    const found = await vfs.stat(`${dir}/${name}`);
    if (found === undefined) report.error('thanos', name, 'meta.json lists the file, and it is missing');
    else if (size !== undefined && found.size !== size)
      report.error('thanos', name, `it has ${found.size} bytes, and ${size} according to meta.json`);
  }
  const listed = thanos.segment_files;
  if (listed === undefined || (await vfs.stat(`${dir}/chunks`)) === undefined) return;
  const names = (await vfs.readDir(`${dir}/chunks`)).map(({ name }) => name);
  if (names.join() !== listed.join())
    report.error('thanos', 'chunks', `the segments are ${names.join(', ')}, and meta.json lists ${listed.join(', ')}`);
}
