import { MiB } from '@gauntlet/base';
import { freeNameAside, type Vfs } from '@gauntlet/vfs';
import { headChunkFileName, type HeadChunkFileEntry } from './file-names.js';
import { fileHeaderBytes } from './record.js';

/** Ending of a copy that was not finished; a load removes it. */
export const unfinishedEnding = '.repair.tmp';

/**
 * Ends the files with the last good chunk: `damaged`, if given, keeps its name and its first `goodEnd` bytes; the whole of it, and `later` files,
 * are set aside as `000003.damaged` (`.damaged-2` and so on when that is taken), which no reader takes for a file of chunks. A crash
 * on the way leaves files that load to the same chunks. On a full disk the damaged file stays as it is: what was good of it is still
 * read, and the next load tries again. Returns the new names.
 */
export async function setAside(
  vfs: Vfs,
  dir: string,
  damaged: (HeadChunkFileEntry & { readonly goodEnd: number }) | undefined,
  later: readonly HeadChunkFileEntry[],
): Promise<string[]> {
  const names: string[] = [];
  // From the last down and each one durably, so that a crash leaves no gap in the numbers.
  for (const { name, file } of [...later].reverse()) {
    const aside = await freeNameAside(vfs, dir, headChunkFileName(file));
    await vfs.rename(`${dir}/${name}`, `${dir}/${aside}`);
    await vfs.syncDir(dir);
    names.push(aside);
  }
  if (damaged !== undefined) {
    const aside = await setOneAside(vfs, dir, damaged);
    if (aside !== undefined) names.push(aside);
  }
  return names.reverse();
}

async function setOneAside(
  vfs: Vfs,
  dir: string,
  { name, file, goodEnd }: HeadChunkFileEntry & { readonly goodEnd: number },
): Promise<string | undefined> {
  const path = `${dir}/${name}`;
  const aside = await freeNameAside(vfs, dir, headChunkFileName(file));
  if (goodEnd <= fileHeaderBytes) {
    await vfs.rename(path, `${dir}/${aside}`);
    await vfs.syncDir(dir);
    return aside;
  }
  const shortened = `${path}${unfinishedEnding}`;
  try {
    await copyStart(vfs, path, shortened, goodEnd);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await vfs.remove(shortened);
    return undefined;
  }
  await vfs.link(path, `${dir}/${aside}`);
  await vfs.syncDir(dir);
  await vfs.rename(shortened, path);
  await vfs.syncDir(dir);
  return aside;
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

async function copyStart(vfs: Vfs, from: string, to: string, count: number): Promise<void> {
  const source = await vfs.open(from, 'read');
  try {
    const target = await vfs.open(to, 'replace');
    try {
      const piece = Buffer.alloc(MiB);
      for (let position = 0; position < count; position += piece.length) {
        const wanted = piece.subarray(0, Math.min(piece.length, count - position));
        await target.write(wanted.subarray(0, await source.read(wanted, position)), position);
      }
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close().catch(() => undefined);
  }
}
