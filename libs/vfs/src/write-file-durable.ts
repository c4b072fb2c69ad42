import { type Vfs } from './vfs.js';

/** Writes a whole file and makes its bytes durable. Its name is durable after `syncDir` of the folder. */
export async function writeFileDurable(vfs: Vfs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await vfs.open(path, 'replace');
  try {
    await file.write(bytes, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Replaces a file by way of `<path>.tmp`: after power loss it is the old one or the new one. Not for two writers of one path at a time. */
export async function replaceFileDurable(vfs: Vfs, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFileDurable(vfs, temporary, bytes);
  await vfs.rename(temporary, path);
  await vfs.syncDir(path.slice(0, path.lastIndexOf('/')) || (path.startsWith('/') ? '/' : '.'));
}
