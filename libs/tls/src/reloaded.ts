import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type Log, messageOf } from '@gauntlet/base';
import { TlsConfigError } from './tls-errors.js';

/** Reads a file, which is watched from then on. Rejects with `TlsConfigError`, such as `open /tls/tls.crt: no such file or directory`. */
export type ReadFile = (path: string) => Promise<Buffer>;

export interface ReloadOptions {
  readonly log: Log;
  /** What the files are for, in log lines and metrics: `grpc-server`. */
  readonly use: string;
  /** Time between two looks at the files; 0 for none but those of `refresh`. */
  readonly pollMs?: number;
}

/** What was made of some files, made again when they change. */
export interface Reloaded<Value> {
  readonly use: string;
  /** Made of files that were good; files that are not leave it as it is. */
  readonly current: Value;
  readonly tally: ReloadTally;
  /** Calls back after each change, until the function it returns is called. */
  onChange(listener: (value: Value) => void): () => void;
  /** Looks at the files now. Never rejects. */
  refresh(): Promise<void>;
  /** Ends looking. */
  close(): void;
}

/** Counts since the start, read when somebody scrapes. */
export interface ReloadTally {
  reloads: number;
  failures: number;
  /** Whether the files are bad now, so that older ones are in use. */
  failing: boolean;
  loadedAtMs: number;
}

const pollMsDefault = 1000;
/** Tries until no file changed while it was read. */
const triesMax = 4;

/**
 * Makes a value of files, and again whenever one of them changes. Rejects with what `load` throws for the first time.
 *
 * Files are looked at by their status once a second instead of being watched: a Kubernetes secret changes by a symlink that is swapped two
 * directories up, which status follows and watches do not. A change counts only if the contents differ.
 */
export async function loadAndWatch<Value>(
  load: (read: ReadFile) => Promise<Value>,
  options: ReloadOptions,
): Promise<Reloaded<Value>> {
  const { log, use, pollMs = pollMsDefault } = options;
  const first = await loadSettled(load);
  if (first.result.kind === 'failed') throw first.result.error;
  let current = first.result.value;
  let { digest, states } = first;
  let lastFault = '';
  const tally: ReloadTally = { reloads: 0, failures: 0, failing: false, loadedAtMs: Date.now() };
  const listeners = new Set<(value: Value) => void>();

  const look = async (): Promise<void> => {
    // Files that were bad are read again in any case: what was wrong may not show in their status.
    if (!tally.failing && !(await anyChanged(states))) return;
    const next = await loadSettled(load);
    states = new Map([...(next.result.kind === 'failed' ? states : []), ...next.states]);
    if (next.result.kind === 'failed') {
      const fault = messageOf(next.result.error);
      if (tally.failing && fault === lastFault) return;
      tally.failing = true;
      tally.failures += 1;
      lastFault = fault;
      log.error('Cannot reload files: those of before stay in use', { use, error: fault });
      return;
    }
    const recovered = tally.failing;
    tally.failing = false;
    if (next.digest === digest && !recovered) return;
    if (next.digest === digest) {
      log.info('files are good again', { use });
      return;
    }
    digest = next.digest;
    current = next.result.value;
    tally.reloads += 1;
    tally.loadedAtMs = Date.now();
    log.info('files reloaded', { use });
    for (const listener of listeners) listener(current);
  };

  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  // Whoever asks while a look is under way waits for one that begins afterwards, together with all others who asked meanwhile.
  const refresh = (): Promise<void> => {
    if (running) {
      return (next ??= running.then(() => {
        next = undefined;
        return refresh();
      }));
    }
    running = look().finally(() => (running = undefined));
    return running;
  };
  const timer = pollMs === 0 ? undefined : setInterval(() => void refresh(), pollMs).unref();

  return {
    use,
    get current() {
      return current;
    },
    tally,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    close() {
      clearInterval(timer);
      listeners.clear();
    },
  };
}

interface Loaded<Value> {
  readonly result:
    { readonly kind: 'loaded'; readonly value: Value } | { readonly kind: 'failed'; readonly error: unknown };
  /** Of everything that was read. */
  readonly digest: string;
  /** The status of each file before it was read, by path. */
  readonly states: Map<string, string>;
}

/** Loads until no file changed meanwhile, so that a certificate is not paired with the key of another time. */
async function loadSettled<Value>(load: (read: ReadFile) => Promise<Value>): Promise<Loaded<Value>> {
  for (let tries = 1; ; tries += 1) {
    const loaded = await loadOnce(load);
    if (tries === triesMax || !(await anyChanged(loaded.states))) return loaded;
  }
}

async function loadOnce<Value>(load: (read: ReadFile) => Promise<Value>): Promise<Loaded<Value>> {
  const states = new Map<string, string>();
  const hash = createHash('sha256');
  const read: ReadFile = async (path) => {
    states.set(path, await stateOf(path));
    const content = await readNamed(path);
    hash.update(`${path}\0${content.length}\0`).update(content);
    return content;
  };
  try {
    const value = await load(read);
    return { result: { kind: 'loaded', value }, digest: hash.digest('hex'), states };
  } catch (error) {
    return { result: { kind: 'failed', error }, digest: '', states };
  }
}

async function anyChanged(states: ReadonlyMap<string, string>): Promise<boolean> {
  const changes = await Promise.all([...states].map(async ([path, state]) => (await stateOf(path)) !== state));
  return changes.includes(true);
}

async function stateOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
};

async function readNamed(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new TlsConfigError(`open ${path}: ${problems[code] ?? code}`, { cause: error });
  }
}
