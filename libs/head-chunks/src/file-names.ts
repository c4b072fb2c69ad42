import type { Vfs } from '@gauntlet/vfs';

/** Files are named by their number, of six digits or more. */
export function headChunkFileName(file: number): string {
  return String(file).padStart(6, '0');
}

export interface HeadChunkFileEntry {
  readonly file: number;
  readonly name: string;
}

/** Numbers of 1 to 2^31 - 1; a chunk reference has 32 bits for them. */
const fileNumberMax = 2 ** 31 - 1;

/** The head chunk files of a directory by number, nothing when it is missing. Names that are no number are none of ours. */
export async function listHeadChunkFiles(vfs: Vfs, dir: string): Promise<HeadChunkFileEntry[]> {
  if ((await vfs.stat(dir)) === undefined) return [];
  const found = new Map<number, string>();
  for (const { name, kind } of await vfs.readDir(dir)) {
    const file = /^\d{1,10}$/.test(name) ? Number(name) : 0;
    if (kind !== 'file' || file < 1 || file > fileNumberMax) continue;
    // Where two names mean one number, the usual one counts.
    if (!found.has(file) || name === headChunkFileName(file)) found.set(file, name);
  }
  return [...found].map(([file, name]) => ({ file, name })).sort((a, b) => a.file - b.file);
}
