import { isUlid } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import type { Finding } from './finding.js';
import {
  type Summary,
  type VerifyOptions,
  verifyBlockDirectory,
  verifyDataDirectory,
  verifyTenant,
} from './verify-tenant.js';

/** What a directory is, by what it holds. */
export type DirectoryKind = 'block' | 'tenant' | 'data';

const partsOfTenant: readonly string[] = ['wal', 'wbl', 'chunks_head', '.gauntlet-journal'];

export async function classifyDirectory(vfs: Vfs, dir: string): Promise<DirectoryKind> {
  const entries = await vfs.readDir(dir);
  const has = (names: readonly string[]): boolean => entries.some(({ name }) => names.includes(name));
  if (has(['meta.json', 'index'])) return 'block';
  if (isUlid(dir.split('/').at(-1)!) && has(['chunks', 'tombstones'])) return 'block';
  const isTenant = entries.some(
    ({ kind, name }) => kind === 'directory' && (partsOfTenant.includes(name) || isUlid(name.slice(0, 26))),
  );
  if (isTenant || !entries.some(({ kind }) => kind === 'directory')) return 'tenant';
  return 'data';
}

/** Verifies a block, a tenant's directory, a bucket's, or an ingester's data directory. */
export async function verifyPath(
  vfs: Vfs,
  dir: string,
  onFinding: (finding: Finding) => void,
  options: VerifyOptions = {},
): Promise<Summary> {
  switch (await classifyDirectory(vfs, dir)) {
    case 'block':
      return verifyBlockDirectory(vfs, dir, onFinding, options);
    case 'tenant':
      return verifyTenant(vfs, dir, onFinding, options);
    case 'data':
      return verifyDataDirectory(vfs, dir, onFinding, options);
  }
}
