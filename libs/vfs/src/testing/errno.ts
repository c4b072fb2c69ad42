const texts = {
  ENOENT: [-2, 'no such file or directory'],
  EIO: [-5, 'i/o error'],
  EBADF: [-9, 'bad file descriptor'],
  EACCES: [-13, 'permission denied'],
  EEXIST: [-17, 'file already exists'],
  EXDEV: [-18, 'cross-device link not permitted'],
  ENOTDIR: [-20, 'not a directory'],
  EISDIR: [-21, 'illegal operation on a directory'],
  EINVAL: [-22, 'invalid argument'],
  EMFILE: [-24, 'too many open files'],
  ENOSPC: [-28, 'no space left on device'],
  EROFS: [-30, 'read-only file system'],
  EPERM: [-1, 'operation not permitted'],
  ENOTEMPTY: [-39, 'directory not empty'],
  EDQUOT: [-122, 'disk quota exceeded'],
} as const;

export type ErrnoCode = keyof typeof texts;

/** An error like those of node:fs, so that callers cannot tell a double from the real thing. */
export function errnoError(code: ErrnoCode, syscall: string, path: string, dest?: string): NodeJS.ErrnoException {
  const [errno, text] = texts[code];
  const to = dest === undefined ? '' : ` -> '${dest}'`;
  const error: NodeJS.ErrnoException = new Error(`${code}: ${text}, ${syscall} '${path}'${to}`);
  return Object.assign(error, { errno, code, syscall, path }, dest === undefined ? {} : { dest });
}
