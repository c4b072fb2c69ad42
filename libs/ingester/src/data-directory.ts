import { OperationalError, type ErrorKind } from '@gauntlet/base';
import { isTenantValid, reservedPrefix } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';

/** The data directory cannot be used; the process ends. */
export class DataDirectoryError extends OperationalError {
  readonly kind: ErrorKind = 'rejected';
  readonly code = 'DATA_DIRECTORY_UNUSABLE';
  readonly path: string;
  /** The process that uses the directory, when that is what is wrong. */
  readonly holderPid: number | undefined;

  constructor(
    message: string,
    { path, holderPid, cause }: { readonly path: string; readonly holderPid?: number; readonly cause?: unknown },
  ) {
    super(message, { cause });
    this.path = path;
    this.holderPid = holderPid;
  }
}

/** Identifies a process beyond its id, which the system gives to others later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Undefined when no such process runs. */
  readonly startOf: (pid: number) => Promise<string | undefined>;
}

const lockName = `${reservedPrefix}lock`;
const probeName = `${reservedPrefix}probe`;
/** A tenant's directory that is being removed, and a number. The tenant's name is not in it: it may be as long as a name can be. */
const removingPrefix = `${reservedPrefix}removing-`;

/**
 * `--tsdb.path`: a directory for each tenant, whose names are the tenants'; plain files and `lost+found` are none (spec/receive.md 7.1).
 *
 * A file `.gauntlet-lock` beside the tenants holds `<pid> <start of the process>`, so that two ingesters never write to one directory: Node.js has no flock.
 * It counts only while a process with this id and start runs; a lock that a killed process left behind is replaced.
 */
export class DataDirectory {
  readonly path: string;
  readonly #vfs: Vfs;
  readonly #locked: boolean;
  #removals = 0;

  private constructor(vfs: Vfs, path: string, locked: boolean) {
    this.#vfs = vfs;
    this.path = path;
    this.#locked = locked;
  }

  /** Makes the directory when it is not there, checks that it can be written, and locks it unless `lock` is false. */
  static async open(
    vfs: Vfs,
    path: string,
    { process, lock }: { process: ProcessIdentity; lock: boolean },
  ): Promise<DataDirectory> {
    try {
      await vfs.makeDir(path);
      await vfs.syncDir(`${path}/..`);
      const probe = `${path}/${probeName}`;
      await (await vfs.open(probe, 'replace')).close();
      await vfs.remove(probe);
    } catch (error) {
      throw new DataDirectoryError(`create data dir in ${path}: ${reasonOf(error, path)}`, { path, cause: error });
    }
    if (lock) await takeLock(vfs, path, process);
    await finishRemovals(vfs, path);
    return new DataDirectory(vfs, path, lock);
  }

  /** The tenants that have a directory. A name that cannot be a tenant's (somebody made it by hand) is left alone. */
  async tenants(): Promise<string[]> {
    const entries = await this.#vfs.readDir(this.path);
    return entries.filter(({ kind, name }) => kind === 'directory' && isTenantValid(name)).map(({ name }) => name);
  }

  pathOf(tenant: string): string {
    return `${this.path}/${tenant}`;
  }

  /**
   * Removes a tenant's directory. From the first moment the name is free for a new one; what a crash leaves is removed at the next start.
   * A directory that is not there is fine.
   */
  async removeTenant(tenant: string): Promise<void> {
    if ((await this.#vfs.stat(this.pathOf(tenant))) === undefined) return;
    this.#removals += 1;
    const doomed = `${this.path}/${removingPrefix}${this.#removals}`;
    // Left by a removal that failed: the same number has come round again only if the process has.
    await this.#vfs.removeAll(doomed);
    await this.#vfs.rename(this.pathOf(tenant), doomed);
    await this.#vfs.syncDir(this.path);
    await this.#vfs.removeAll(doomed);
  }

  /** Bytes that may still be written to the disk. */
  freeBytes(): Promise<number> {
    return this.#vfs.freeBytes(this.path);
  }

  async close(): Promise<void> {
    if (this.#locked) await this.#vfs.remove(`${this.path}/${lockName}`);
  }
}

/** Removals that an earlier process has begun. */
async function finishRemovals(vfs: Vfs, path: string): Promise<void> {
  for (const { name } of await vfs.readDir(path))
    if (name.startsWith(removingPrefix)) await vfs.removeAll(`${path}/${name}`);
}

async function takeLock(vfs: Vfs, path: string, { pid, startOf }: ProcessIdentity): Promise<void> {
  const file = `${path}/${lockName}`;
  const held = (await vfs.stat(file)) && Buffer.from(await vfs.readFile(file)).toString('utf8');
  const [holder, ...start] = (held ?? '').trim().split(' ');
  if (holder && Number(holder) !== pid && start.join(' ') === (await startOf(Number(holder)))) {
    throw new DataDirectoryError(`Cannot lock data dir ${path}: process ${holder} uses it`, {
      path,
      holderPid: Number(holder),
    });
  }
  const own = await vfs.open(file, 'replace');
  try {
    await own.write(Buffer.from(`${pid} ${(await startOf(pid)) ?? ''}\n`), 0);
  } finally {
    await own.close();
  }
}

/** The cause in the words that operators know from upstream. */
function reasonOf(error: unknown, path: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOTDIR' || code === 'EEXIST') return `mkdir ${path}: not a directory`;
  if (code === 'EACCES' || code === 'EPERM') return `mkdir ${path}: permission denied`;
  if (code === 'EROFS') return `mkdir ${path}: read-only file system`;
  return error instanceof Error ? error.message : String(error);
}
