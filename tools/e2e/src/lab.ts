import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts, findPeer, peersRequired, type Peer } from '@gauntlet/base/testing';
import { Child, OrphanGuard } from '@gauntlet/stack-tool';
import { receiveCommand, subject } from './peers.js';

export interface EndToEnd {
  readonly needs: readonly Peer[];
  readonly timeoutMs: number;
}

/**
 * A test with real processes. Everything it starts through its lab ends with it, and when it fails the last log lines of every process
 * are shown with the failure. Without the peers it needs it is skipped and says so.
 */
export function endToEnd(name: string, { needs, timeoutMs }: EndToEnd, run: (lab: Lab) => Promise<void>): void {
  const wanted = subject === 'thanos' ? [...new Set([...needs, 'thanos' as const])] : needs;
  const missing = wanted.filter((peer) => findPeer(peer) === undefined);
  if (missing.length > 0 && !peersRequired) {
    process.stderr.write(`Skipped, as ${missing.join(' and ')} is neither in PEERS_DIR nor in PATH: ${name}\n`);
    test.skip(name, () => undefined);
    return;
  }
  test(
    name,
    async () => {
      if (missing.length > 0)
        throw new Error(
          `Cannot run: ${missing.join(' and ')} is neither in PEERS_DIR nor in PATH, and GAUNTLET_REQUIRE_PEERS asks for it`,
        );
      for (const role of ['router', 'ingester'] as const) {
        const main = receiveCommand('gauntlet', role).at(-1) as string;
        if (subject === 'gauntlet' && !existsSync(main))
          throw new Error(`Cannot run: ${main} is not there; npm run build makes it`);
      }
      const lab = new Lab();
      try {
        await run(lab);
      } catch (error) {
        throw lab.explain(error);
      } finally {
        await lab.close();
      }
    },
    timeoutMs,
  );
}

export class Lab {
  readonly dir = mkdtempSync(join(tmpdir(), 'gauntlet-e2e-'));
  readonly #children: Child[] = [];
  readonly #killAll = (): void => this.#children.forEach((child) => child.signal('SIGKILL'));

  constructor() {
    process.once('exit', this.#killAll);
  }

  /** A new folder of the test, removed with it. */
  folder(name: string): string {
    const path = join(this.dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  ports(count: number): Promise<number[]> {
    return findFreePorts(count);
  }

  spawn(name: string, [command, ...first]: readonly [string, ...string[]], args: readonly string[]): Child {
    const child = new Child({
      name,
      command,
      args: [...first, ...args],
      logFile: join(this.dir, `${name}.log`),
      guard: guard(),
    });
    this.#children.push(child);
    return child;
  }

  /** The failure with what the processes said last. */
  explain(error: unknown): Error {
    const logs = this.#children.slice(-childrenShown).map((child) => {
      const state = child.ending ? `ended with ${child.ending.signal ?? child.ending.code}` : 'running';
      return `--- ${child.name}, ${state}\n${child.lastLogLines(15)}`;
    });
    const cause = error instanceof Error ? error : new Error(String(error));
    cause.message = [cause.message, ...logs].join('\n');
    return cause;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop({ signal: 'SIGKILL' })));
    process.off('exit', this.#killAll);
    if (process.env['GAUNTLET_E2E_KEEP'] !== '1') rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Asks until the answer is neither false nor undefined; an exception counts as such, and is shown when the time is up. */
export async function waitFor<T>(
  condition: () => Promise<T | false | undefined> | T | false | undefined,
  { timeoutMs, what }: { timeoutMs: number; what: string },
): Promise<T> {
  let last: unknown;
  for (const end = Date.now() + timeoutMs; Date.now() < end; await sleep(pollMs)) {
    try {
      const answer = await condition();
      if (answer !== false && answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(
    `Waited ${timeoutMs / 1000} s in vain for ${what}${last instanceof Error ? `: ${last.message}` : ''}`,
  );
}

const pollMs = 100;
/** Of a test that starts many processes, the failure shows the last. */
const childrenShown = 8;
let shared: OrphanGuard | undefined;
const guard = (): OrphanGuard => (shared ??= new OrphanGuard('KILL'));
