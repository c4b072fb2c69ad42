import cliProgress from 'cli-progress';
import type { Vfs } from '@gauntlet/vfs';
import type { Finding } from './finding.js';
import type { VerifyArguments } from './tsdb-arguments.js';
import { verifyPath } from './verify-path.js';
import type { Summary } from './verify-tenant.js';

/** Where a command prints: to stdout lines, and a bar to stderr when that is a terminal. */
export interface Terminal {
  readonly line: (text: string) => void;
  readonly bar: NodeJS.WriteStream | undefined;
}

/** Prints findings as they come and a summary; returns the exit code. */
export async function verifyCommand(
  args: VerifyArguments,
  vfs: Vfs,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const printer = new FindingPrinter(args, terminal);
  const bar = openBar(terminal.bar);
  let summary: Summary;
  try {
    summary = await verifyPath(vfs, args.dir, (finding) => printer.take(finding), {
      signal,
      ...(bar && { onProgress: (done: number, total: number) => bar.update(done, total) }),
    });
  } finally {
    bar?.stop();
  }
  printer.finish(summary);
  return summary.errors > 0 || (summary.warnings > 0 && !args.warningsOk) ? 1 : 0;
}

/** Findings wait until the end while there is a bar, which they would tear apart. */
class FindingPrinter {
  readonly #args: VerifyArguments;
  readonly #terminal: Terminal;
  readonly #counts = new Map<string, number>();
  readonly #lines: string[] = [];
  #left = 0;

  constructor(args: VerifyArguments, terminal: Terminal) {
    this.#args = args;
    this.#terminal = terminal;
  }

  take(finding: Finding): void {
    if (finding.severity === 'info' && !this.#args.infos) return;
    const key = `${finding.file.split('/')[0]} ${finding.severity} ${finding.invariant}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count > this.#args.limit) {
      this.#left += 1;
      return;
    }
    const line = this.#args.json ? JSON.stringify(finding) : findingText(finding);
    if (this.#terminal.bar === undefined) this.#terminal.line(line);
    else this.#lines.push(line);
  }

  finish(summary: Summary): void {
    for (const line of this.#lines) this.#terminal.line(line);
    if (this.#args.json) return this.#terminal.line(JSON.stringify({ summary }));
    if (this.#left > 0) this.#terminal.line(`and ${this.#left} more findings; --limit prints them`);
    this.#terminal.line(summaryText(summary));
  }
}

/** `E 14  01M7YK4CEQV0ZJRPJWA1WG0N2H/chunks/000001 at byte 8: the checksum does not match` */
export function findingText({ severity, invariant, file, offset, found }: Finding): string {
  const place = file === '' ? '.' : file;
  return `${severity.padEnd(4)} ${String(invariant).padEnd(4)} ${place}${offset === undefined ? '' : ` at byte ${offset}`}: ${found}`;
}

export function summaryText(summary: Summary): string {
  const count = (number: number, one: string): string =>
    `${number.toLocaleString('en-US')} ${one}${number === 1 ? '' : 's'}`;
  const seen = [
    ...(summary.tenants > 1 ? [count(summary.tenants, 'tenant')] : []),
    `${count(summary.blocks, 'block')} (${summary.series.toLocaleString('en-US')} series, ${count(summary.chunks, 'chunk')}, ${count(summary.samples, 'sample')})`,
    count(summary.headChunks, 'head chunk'),
    count(summary.logRecords, 'log record'),
  ];
  const found =
    summary.errors + summary.warnings === 0
      ? 'nothing is wrong'
      : `${count(summary.errors, 'error')} and ${count(summary.warnings, 'warning')}`;
  const infos = summary.infos === 0 ? '' : `; ${count(summary.infos, 'remark')} (--infos)`;
  return `Verified ${seen.join(', ')}: ${found}${infos}`;
}

function openBar(
  stream: NodeJS.WriteStream | undefined,
): { update(done: number, total: number): void; stop(): void } | undefined {
  if (stream === undefined) return undefined;
  const bar = new cliProgress.SingleBar({
    format: 'verifying {bar} {percentage}%  {megabytes} MiB',
    stream,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  });
  bar.start(1, 0, { megabytes: '0' });
  return {
    update(done, total) {
      bar.setTotal(Math.max(1, total));
      bar.update(done, { megabytes: (done / 2 ** 20).toFixed(0) });
    },
    stop: () => bar.stop(),
  };
}
