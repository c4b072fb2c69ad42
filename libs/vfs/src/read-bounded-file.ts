import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * Reads a file that an operator has named, whole. Rejects for one that is larger, and for what is no regular file: a device has no end, and a
 * pipe without a writer would be waited for.
 */
export async function readBoundedFile(path: string, bytesMax: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('it is no regular file');
    if (stat.size > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
