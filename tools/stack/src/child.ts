import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type OrphanGuard } from './orphan-guard.js';

export interface ChildPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Gets standard output and standard error, appended. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly guard?: OrphanGuard;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A process of ours, in a process group of its own: a Ctrl-C in the terminal reaches only the parent, which then ends its children in
 * the right order, and nothing that a child starts outlives it.
 */
export class Child {
  readonly name: string;
  readonly logFile: string;
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  #ending: Ending | undefined;

  constructor({ name, command, args, logFile, env, guard }: ChildPlan) {
    this.name = name;
    this.logFile = logFile;
    const log = openSync(logFile, 'a');
    this.#process = spawn(command, args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...env },
    });
    closeSync(log);
    const { pid } = this.#process;
    if (pid !== undefined) guard?.watch(pid);
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.#ending ??= ending;
        if (pid !== undefined) guard?.forget(pid);
        resolve(this.#ending);
      };
      this.#process.once('exit', (code, signal) => end({ code, signal }));
      this.#process.once('error', () => end({ code: 127, signal: null }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** How it ended; `undefined` while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#ending || this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, signal);
    } catch {
      // Ended between the check and the call.
    }
  }

  /** Asks it to end, and after `graceMs` no longer asks. */
  async stop({
    signal = 'SIGTERM',
    graceMs = 30_000,
  }: { signal?: NodeJS.Signals; graceMs?: number } = {}): Promise<Ending> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  lastLogLines(count: number): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
    } catch {
      return '';
    }
  }
}
