import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';

const testdata = join(__dirname, '../../testdata');

/** One recorded record. */
export interface GoldenRecord {
  readonly segment: number;
  /** Offset behind it in its segment. */
  readonly end: number;
  readonly type: string;
  /** Base64. */
  readonly record: string;
  readonly decoded: unknown[];
}

export function goldenLines<T>(path: string): T[] {
  const text = gunzipSync(readFileSync(join(testdata, path))).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(testdata, path), 'utf8')) as T;
}

/** The files below a directory by their relative path, unpacked. */
export function goldenFiles(path: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const name of readdirSync(join(testdata, path), { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const full = join(name.parentPath, name.name);
    const relative = full.slice(join(testdata, path).length + 1);
    const bytes = readFileSync(full);
    if (relative.endsWith('.gz')) files.set(relative.slice(0, -3), gunzipSync(bytes));
    else files.set(relative, bytes);
  }
  return files;
}

/** A disk with these files. */
export async function diskWith(files: ReadonlyMap<string, Uint8Array>, dir: string): Promise<MemoryVfs> {
  const vfs = new MemoryVfs();
  await vfs.makeDir(dir);
  for (const [name, bytes] of files) {
    await vfs.makeDir(join(dir, name, '..'));
    const file = await vfs.open(join(dir, name), 'replace');
    await file.write(bytes, 0);
    await file.close();
  }
  return vfs;
}

/** The files of a directory by name. */
export async function filesIn(vfs: Vfs, dir: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind === 'file') found.set(name, Buffer.from(await vfs.readFile(`${dir}/${name}`)));
  }
  return found;
}

/** Size and checksum by name: what can be compared, and printed when it differs. */
export function fingerprints(files: ReadonlyMap<string, Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    [...files].map(([name, bytes]) => [name, `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`]),
  );
}
