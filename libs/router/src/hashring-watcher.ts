import { messageOf, OperationalError, type Clock, type Log } from '@gauntlet/base';
import { buildHashrings, parseHashrings, type HashringOptions, type Hashrings } from '@gauntlet/ring';
import { createHash } from 'node:crypto';
import type { HashringFile } from './hashring-file.js';
import type { RouterObserver } from './observer.js';

/** A hashring configuration that cannot be used: which file or flag it came from, then the texts of Thanos, outermost first. */
export class HashringLoadError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'HASHRING_LOAD_FAILED';
}

/** Identifies file contents in a metric: the first 6 bytes of their SHA-256 as a little-endian integer. */
export function configHash(bytes: Uint8Array): number {
  return createHash('sha256').update(bytes).digest().readUIntLE(0, 6);
}

const flagText = 'Cannot use --receive.hashrings';

/** @throws HashringLoadError */
export function hashringsOfContent(content: string, options: HashringOptions): Hashrings {
  let configs;
  try {
    configs = parseHashrings(content);
  } catch (error) {
    throw wrap(error, `${flagText}: failed to validate hashring configuration content`);
  }
  if (configs.length === 0)
    throw new HashringLoadError(
      `${flagText}: failed to validate hashring configuration content: configuration is empty`,
    );
  return build(configs, options, flagText);
}

/** @throws HashringLoadError */
export function hashringsOfFile(bytes: Uint8Array, path: string, options: HashringOptions): Hashrings {
  let configs;
  try {
    configs = parseHashrings(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  } catch (error) {
    const outer = `Cannot use ${path}: failed to validate hashring configuration file: failed to parse configuration file`;
    throw new HashringLoadError(`${outer}: ${messageOf(error)}: configuration file is not parsable`, { cause: error });
  }
  if (configs.length === 0) {
    throw new HashringLoadError(
      `failed to validate hashring configuration file: failed to load configuration file, path: ${path}: configuration file is empty`,
    );
  }
  return build(configs, options, `Cannot use ${path}`);
}

function build(configs: Parameters<typeof buildHashrings>[0], options: HashringOptions, where: string): Hashrings {
  try {
    return buildHashrings(configs, options);
  } catch (error) {
    throw wrap(error, `${where}: unable to create new hashring from config`);
  }
}

function wrap(error: unknown, outer: string): HashringLoadError {
  return new HashringLoadError(`${outer}: ${messageOf(error)}`, { cause: error });
}

export interface HashringWatcherOptions {
  readonly file: HashringFile;
  readonly hashring: HashringOptions;
  readonly refreshIntervalMs: number;
  /** Takes each new configuration; the old one is in use until then. */
  readonly apply: (hashrings: Hashrings) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: RouterObserver;
}

/** Reads the hashring file again whenever it may have changed. A bad file changes nothing but counters and the log. */
export class HashringWatcher {
  readonly #options: HashringWatcherOptions;
  readonly #stopping = new AbortController();
  #watch: { close(): void } | undefined;
  #appliedHash: number | undefined;
  #lastFailure = '';
  #reading: Promise<void> | undefined;
  #readAgain = false;

  constructor(options: HashringWatcherOptions) {
    this.#options = options;
  }

  /** Reads and applies the file for the first time, then watches. @throws HashringLoadError */
  async start(): Promise<void> {
    const { file, log } = this.#options;
    try {
      // Before the first read, so that no change falls between the two.
      this.#watch = file.watch(
        () => this.#refresh(),
        (error) => log.warn('hashring directory is no longer watched', { error: messageOf(error) }),
      );
    } catch (error) {
      throw notReadable(file.path, error);
    }
    try {
      await this.#load();
    } catch (error) {
      this.stop();
      throw error;
    }
    void this.#poll();
  }

  stop(): void {
    this.#stopping.abort();
    this.#watch?.close();
  }

  async #poll(): Promise<void> {
    const { clock, refreshIntervalMs } = this.#options;
    try {
      while (true) {
        await clock.sleep(refreshIntervalMs, this.#stopping.signal);
        this.#refresh();
      }
    } catch {
      // Stopped.
    }
  }

  /** One read at a time; a change that is seen meanwhile asks for one more. */
  #refresh(): void {
    if (this.#stopping.signal.aborted) return;
    this.#readAgain = true;
    this.#reading ??= this.#readWhileAsked().finally(() => (this.#reading = undefined));
  }

  async #readWhileAsked(): Promise<void> {
    while (this.#readAgain && !this.#stopping.signal.aborted) {
      this.#readAgain = false;
      await this.#load().catch((error: unknown) => this.#report(messageOf(error)));
    }
  }

  #report(reason: string): void {
    if (reason !== this.#lastFailure)
      this.#options.log.error('hashring file is not usable, the last one stays in use', { error: reason });
    this.#lastFailure = reason;
  }

  async #load(): Promise<void> {
    const { file, hashring, apply, clock, log, observer } = this.#options;
    observer.hashringFileRead();
    try {
      const bytes = await file.read().catch((error: unknown) => {
        throw notReadable(file.path, error);
      });
      const hash = configHash(bytes);
      if (hash !== this.#appliedHash) {
        const hashrings = hashringsOfFile(bytes, file.path, hashring);
        apply(hashrings);
        this.#appliedHash = hash;
        observer.hashringsChanged({ configHash: hash, hashrings });
        log.info('hashrings applied', { file: file.path, hash, hashrings: hashrings.rings.length });
      }
      this.#lastFailure = '';
      observer.hashringFileLoaded({ nowMs: clock.nowMs() });
    } catch (error) {
      observer.hashringFileFailed();
      throw error;
    }
  }
}

function notReadable(path: string, error: unknown): HashringLoadError {
  const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : messageOf(error);
  return new HashringLoadError(`failed to initialize config watcher: adding path ${path} to file watcher: ${reason}`, {
    cause: error,
  });
}
