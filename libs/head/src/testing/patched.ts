/** What was done to a good file of a recording. */
export interface Patch {
  readonly op: 'truncate' | 'xor' | 'zero' | 'append' | 'create' | 'delete' | 'rename';
  /** Below the data directory: `wal/00000000`. */
  readonly file: string;
  readonly size?: number;
  readonly offset?: number;
  readonly mask?: number;
  readonly length?: number;
  readonly bytes?: string;
  readonly to?: string;
}

/** A log with the damage done. */
export function patched(good: ReadonlyMap<string, Buffer>, patches: readonly Patch[]): Map<string, Buffer> {
  const files = new Map([...good].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  for (const { op, file, size = 0, offset = 0, mask = 0, length = 0, bytes = '', to = '' } of patches) {
    const name = inLog(file);
    const old = files.get(name) ?? Buffer.alloc(0);
    switch (op) {
      case 'truncate':
        files.set(name, Buffer.concat([old.subarray(0, size), Buffer.alloc(Math.max(0, size - old.length))]));
        break;
      case 'xor':
        old[offset]! ^= mask;
        break;
      case 'zero':
        old.fill(0, offset, offset + length);
        break;
      case 'append':
        files.set(name, Buffer.concat([old, Buffer.from(bytes, 'base64')]));
        break;
      case 'create':
        files.set(name, Buffer.from(bytes, 'base64'));
        break;
      case 'delete':
        files.delete(name);
        break;
      case 'rename':
        files.delete(name);
        files.set(inLog(to), old);
        break;
    }
  }
  return files;
}

const inLog = (path: string): string => path.replace('wal/', '');
