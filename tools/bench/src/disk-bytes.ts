import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Sizes of all files below a directory; 0 when there is none. */
export function bytesBelow(dir: string): number {
  if (!existsSync(dir)) return 0;
  let sum = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).size;
  return sum;
}
