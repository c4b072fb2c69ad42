import cliProgress from 'cli-progress';
import { BadArgument, loadUsage, parseLoadArguments, type LoadArguments } from './load-arguments.js';
import { Load, prepareBodies, type LoadBody, type LoadOptions, type LoadResult } from './load.js';
import { measure, type Measurement } from './measure.js';
import { readProcessUsage } from './process-usage.js';
import { summaryRecord, summaryText } from './load-summary.js';
import { wholeNumber } from './text-table.js';

/** Runs the load generator; the returned number is the exit code. */
export async function loadCommand(args: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    const parsed = parseLoadArguments(args);
    if (parsed === 'help') {
      console.log(loadUsage);
      return 0;
    }
    for (const { name, pid } of parsed.processes) {
      if (!readProcessUsage(pid)) throw new BadArgument(`Cannot measure ${name}: no process ${pid} is found in /proc`);
    }
    return await generate(parsed, signal);
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error;
    console.error(error.message);
    return 1;
  }
}

async function generate(args: LoadArguments, signal: AbortSignal): Promise<number> {
  const bodies = prepareBodies(args);
  const bytes = bodies.reduce((sum, { body }) => sum + body.bytes.length, 0);
  console.error(
    `Sending ${wholeNumber(args.series)} series in ${wholeNumber(bodies.length)} bodies of ${wholeNumber(bytes / bodies.length)} bytes by remote write ${args.version} to ${args.url.href}`,
  );
  const warmUp =
    args.warmUpRounds > 0 ? await phase('warm-up', args, bodies, { rounds: args.warmUpRounds }, signal) : undefined;
  const main = signal.aborted ? undefined : await phase('load', args, bodies, { durationMs: args.durationMs }, signal);
  print(args, warmUp, main);
  if (signal.aborted) return 130;
  return (main?.result.samplesAccepted ?? 0) > 0 ? 0 : 1;
}

async function phase(
  title: string,
  args: LoadArguments,
  bodies: LoadBody[],
  until: LoadOptions['until'],
  signal: AbortSignal,
): Promise<Measurement> {
  const load = new Load({
    url: args.url,
    headers: args.headers,
    connections: args.connections,
    tenants: args.tenants,
    bodies,
    until,
    ...(args.samplesPerSecondMax === undefined ? {} : { samplesPerSecondMax: args.samplesPerSecondMax }),
    signal,
  });
  const total = 'rounds' in until ? until.rounds * bodies.length : Math.ceil(until.durationMs / 1000);
  return measure(args.processes, args.series, () => withProgress(title, load, total, 'rounds' in until));
}

async function withProgress(title: string, load: Load, total: number, byRequests: boolean): Promise<LoadResult> {
  if (!process.stderr.isTTY) return load.run();
  const bar = new cliProgress.SingleBar({
    format: `${title.padEnd(8)} {bar} {percentage}%  {rate} samples/s`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0, { rate: '-' });
  const timer = setInterval(() => {
    const { samplesAccepted, elapsedMs, requests } = load.progress;
    bar.update(Math.min(total, byRequests ? requests : Math.floor(elapsedMs / 1000)), {
      rate: wholeNumber(samplesAccepted / (elapsedMs / 1000)),
    });
  }, 250);
  try {
    return await load.run();
  } finally {
    clearInterval(timer);
    bar.stop();
  }
}

function print({ json }: LoadArguments, warmUp: Measurement | undefined, main: Measurement | undefined): void {
  if (json) {
    console.log(
      JSON.stringify({ warmUp: warmUp && summaryRecord(warmUp), load: main && summaryRecord(main) }, null, 2),
    );
    return;
  }
  if (warmUp) console.log(`warm-up (creates the series)\n${indent(summaryText(warmUp))}`);
  if (main) console.log(`load\n${indent(summaryText(main))}`);
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
