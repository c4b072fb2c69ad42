import { InvariantViolation, OperationalError, messageOf } from '@gauntlet/base';
import { type ConfigResult } from './common-config.js';

/** An app that runs. */
export interface RunningApp {
  /** Ends gracefully: no more work, flush, close. Called once. */
  stop(): Promise<void>;
  /** Settles when the app ends by itself, or rejects with why it cannot go on. */
  readonly ended?: Promise<void>;
}

export interface AppDefinition<Config> {
  readonly name: string;
  parse(argv: readonly string[]): ConfigResult<Config>;
  /** Throws what should be printed as one line. The signal aborts at the first SIGTERM or SIGINT, so that a long start can break off. */
  start(config: Config, warnings: readonly string[], signal: AbortSignal): Promise<RunningApp>;
}

/** The parts of a process that an app's life touches, so that tests can stand in. */
export interface ProcessPort {
  readonly argv: readonly string[];
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  stdout(text: string): void;
  stderr(text: string): void;
  exit(code: number): void;
}

const exitCodes = { ok: 0, failure: 1, bug: 2, secondSignal: 130 };

/**
 * Runs an app to its end. The first SIGTERM or SIGINT stops it gracefully, once it has started or given up starting; the
 * second ends the process at once. What cannot go on is one line, `<program>: error: <what>`, and exit code 1; a bug of ours
 * comes with its stack and exit code 2.
 */
export async function runApp<Config>(app: AppDefinition<Config>, host: ProcessPort = nodeProcess): Promise<void> {
  const fail = (error: unknown): void => {
    const bug = error instanceof InvariantViolation || error instanceof TypeError || error instanceof ReferenceError;
    host.stderr(
      `${app.name}: error: ${bug ? ((error as Error).stack ?? messageOf(error)) : messageOf(error).split('\n')[0]}\n`,
    );
    host.exit(bug ? exitCodes.bug : exitCodes.failure);
  };
  const parsed = app.parse(host.argv);
  if (parsed.kind === 'exit') {
    if (parsed.stdout !== undefined) host.stdout(parsed.stdout);
    if (parsed.stderr !== undefined) host.stderr(parsed.stderr);
    host.exit(parsed.code);
    return;
  }
  let signals = 0;
  const stopping = new AbortController();
  const asked = new Promise<void>((resolve) => {
    const onSignal = (): void => {
      signals += 1;
      if (signals > 1) return host.exit(exitCodes.secondSignal);
      stopping.abort();
      resolve();
    };
    host.on('SIGTERM', onSignal);
    host.on('SIGINT', onSignal);
  });
  host.on('uncaughtException', fail);
  try {
    const running = await app.start(parsed.config, parsed.warnings, stopping.signal);
    await Promise.race(running.ended === undefined ? [asked] : [asked, running.ended]);
    await running.stop();
    host.exit(exitCodes.ok);
  } catch (error) {
    // Whoever breaks off because we asked has ended well.
    if (
      stopping.signal.aborted &&
      (error === stopping.signal.reason || (error instanceof OperationalError && error.kind === 'cancelled'))
    )
      host.exit(exitCodes.ok);
    else fail(error);
  }
}

const nodeProcess: ProcessPort = {
  argv: process.argv.slice(2),
  on: (event: string, listener: (error: unknown) => void) => process.on(event, listener),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  exit: (code) => process.exit(code),
};
