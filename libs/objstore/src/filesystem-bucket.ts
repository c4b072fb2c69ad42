import { randomBytes } from 'node:crypto';
import { constants, createReadStream, promises as fs, type Dirent } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { dirname, join, resolve } from 'node:path';
import { messageOf, minuteMs } from '@gauntlet/base';
import { type Bucket, type ObjectAttributes, type ObjectSource } from './bucket.js';
import { BucketError, cancelled, throwIfCancelled } from './bucket-error.js';
import { checkObjectName, compareNames, dirPrefix } from './object-name.js';
import { exactBytes, SourceFailure } from './object-source.js';

/** Files of this name in the root are uploads under way: never objects. Thanos ignores them too, as they are no ULIDs. */
const temporaryPrefix = '.tmp-';
/** A temporary file that nobody has written to for so long belongs to a process that died. */
const temporaryAgeMsMax = 60 * minuteMs;
/** An empty parent may be removed by a delete just when an upload needs it; the next try makes it again. */
const renameTriesMax = 5;

/**
 * A directory as a bucket. An upload is written to a temporary name in the root, synced, renamed and its directory synced: after
 * power loss an object is whole or absent. Directories exist only as long as they hold objects.
 */
export class FilesystemBucket implements Bucket {
  readonly provider = 'FILESYSTEM';
  readonly name: string;
  readonly #root: string;
  #swept: Promise<void> | undefined;

  constructor(directory: string) {
    this.#root = resolve(directory);
    this.name = `fs: ${this.#root}`;
  }

  async upload(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    const path = this.#path(name, 'upload');
    await attempt(`upload object ${name}`, signal, async () => {
      await makeDirDurable(this.#root);
      await (this.#swept ??= sweepTemporaries(this.#root));
      const temporary = join(this.#root, temporaryPrefix + randomBytes(12).toString('hex'));
      try {
        await writeDurable(temporary, source, signal, `upload object ${name}`);
        await moveInto(temporary, path);
      } catch (error) {
        await fs.rm(temporary, { force: true }).catch(() => undefined);
        throw error;
      }
      await syncDir(dirname(path));
    });
  }

  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#read(name, 0, -1, signal);
  }

  getRange(name: string, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#read(name, offset, length, signal);
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    const path = this.#path(name, 'look for');
    return await attempt(`look for object ${name}`, signal, async () => (await statFile(path)) !== undefined);
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    const path = this.#path(name, 'describe');
    return await attempt(`describe object ${name}`, signal, async () => {
      const stat = await statFile(path);
      if (stat === undefined) throw notFound(`describe object ${name}`);
      return { size: stat.size, modifiedMs: Math.floor(stat.mtimeMs) };
    });
  }

  async *list(dir: string, options: { readonly recursive?: boolean }, signal: AbortSignal): AsyncGenerator<string> {
    const prefix = dirPrefix(dir);
    if (prefix !== '') checkObjectName(prefix.slice(0, -1), 'list');
    yield* this.#walk(prefix, options.recursive === true, signal);
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    const path = this.#path(name, 'delete');
    await attempt(`delete object ${name}`, signal, async () => {
      if ((await statFile(path)) === undefined) return; // A directory is no object: deleting one would take others along.
      await fs.rm(path, { force: true });
      for (let parent = dirname(path); parent !== this.#root; parent = dirname(parent)) {
        if (!(await removeIfEmpty(parent))) break;
      }
    });
  }

  async close(): Promise<void> {}

  async *#walk(prefix: string, recursive: boolean, signal: AbortSignal): AsyncGenerator<string> {
    const what = `list objects below "${prefix}"`;
    for (const entry of await attempt(what, signal, () => this.#entries(prefix))) {
      if (!entry.endsWith('/')) yield entry;
      else if (recursive) yield* this.#walk(entry, true, signal);
      else if (await attempt(what, signal, () => this.#holdsObjects(entry))) yield entry;
    }
  }

  /** Names of files and, with a slash at the end, directories. Sorted with that slash, as S3 would. */
  async #entries(prefix: string): Promise<string[]> {
    const names: string[] = [];
    for (const entry of await readDirIfThere(join(this.#root, prefix))) {
      if (prefix === '' && entry.name.startsWith(temporaryPrefix)) continue;
      const kind = await kindOf(entry, join(this.#root, prefix, entry.name));
      if (kind !== undefined) names.push(prefix + entry.name + (kind === 'directory' ? '/' : ''));
    }
    return names.sort(compareNames);
  }

  async #holdsObjects(prefix: string): Promise<boolean> {
    for (const entry of await this.#entries(prefix)) {
      if (!entry.endsWith('/') || (await this.#holdsObjects(entry))) return true;
    }
    return false;
  }

  async #read(name: string, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const what = `read object ${name}`;
    const path = this.#path(name, 'read');
    const handle = await attempt(what, signal, async () => {
      if ((await statFile(path)) === undefined) throw notFound(what);
      return await fs.open(path, constants.O_RDONLY);
    });
    if (length === 0) {
      await handle.close();
      return readPieces([], what, signal);
    }
    const end = length < 0 ? Infinity : offset + length - 1;
    const stream = createReadStream('', { fd: handle, start: offset, end, highWaterMark: 256 * 1024 });
    addAbortSignal(signal, stream);
    return readPieces(stream, what, signal);
  }

  #path(name: string, verb: string): string {
    checkObjectName(name, verb);
    if (name.startsWith(temporaryPrefix)) {
      throw new BucketError(
        'OBJECT_NAME_INVALID',
        `Cannot ${verb} object ${JSON.stringify(name)}: names that start with ${temporaryPrefix} are reserved`,
      );
    }
    return join(this.#root, name);
  }
}

async function* readPieces(
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw translate(error, what, signal);
  }
}

async function attempt<T>(what: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  throwIfCancelled(signal, what);
  try {
    return await run();
  } catch (error) {
    throw translate(error, what, signal);
  }
}

function translate(error: unknown, what: string, signal: AbortSignal): unknown {
  if (error instanceof SourceFailure) return error.cause;
  if (signal.aborted && !(error instanceof BucketError)) return cancelled(what, signal.reason);
  const errno = (error as NodeJS.ErrnoException).code;
  if (errno === undefined || error instanceof BucketError || !(error instanceof Error) || !('syscall' in error))
    return error;
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return notFound(what, error);
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS')
    return new BucketError('BUCKET_ACCESS_DENIED', `Cannot ${what}: ${messageOf(error)}`, { cause: error });
  return new BucketError('BUCKET_UNAVAILABLE', `Cannot ${what}: ${messageOf(error)}`, { cause: error });
}

function notFound(what: string, cause?: unknown): BucketError {
  return new BucketError('OBJECT_NOT_FOUND', `Cannot ${what}: it does not exist`, { cause });
}

async function writeDurable(path: string, source: ObjectSource, signal: AbortSignal, what: string): Promise<void> {
  const file = await fs.open(path, 'wx');
  try {
    for await (const piece of exactBytes(source, 0, source.size)) {
      throwIfCancelled(signal, what);
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  throwIfCancelled(signal, what);
}

async function moveInto(temporary: string, path: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await makeDirDurable(dirname(path));
    try {
      return await fs.rename(temporary, path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === renameTriesMax) throw error;
    }
  }
}

/** Makes a directory and its parents, and syncs every directory that got a new entry. */
async function makeDirDurable(path: string): Promise<void> {
  const first = await fs.mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    await syncDir(dir).catch(() => undefined); // Above the root we may lack the right to open it.
    if (dir.length < first.length) break;
  }
}

async function syncDir(path: string): Promise<void> {
  const dir = await fs.open(path, constants.O_RDONLY);
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

async function sweepTemporaries(root: string): Promise<void> {
  for (const entry of await readDirIfThere(root)) {
    if (!entry.name.startsWith(temporaryPrefix)) continue;
    const path = join(root, entry.name);
    const stat = await statFile(path);
    if (stat !== undefined && Date.now() - stat.mtimeMs > temporaryAgeMsMax) await fs.rm(path, { force: true });
  }
}

async function statFile(path: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    const stat = await fs.stat(path);
    return stat.isFile() ? stat : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readDirIfThere(path: string): Promise<Dirent[]> {
  try {
    return await fs.readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'directory' | undefined> {
  if (entry.isDirectory()) return 'directory';
  if (entry.isFile()) return 'file';
  if (!entry.isSymbolicLink()) return undefined;
  try {
    const stat = await fs.stat(path);
    return stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await fs.rmdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
