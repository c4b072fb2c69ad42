import { setTimeout as sleep } from 'node:timers/promises';
import {
  isSuccess,
  LatencyHistogram,
  Load,
  prepareBodies,
  readProcessUsage,
  wholeNumber,
  type LoadAnswer,
} from '@gauntlet/loadgen-tool';
import { type CutArguments, type Maker } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { CutWatch, type Cut } from './cut-watch.js';
import { startFleet, type Member } from './fleet.js';
import { machineText } from './machine.js';
import { markdownTable } from './markdown-table.js';
import { requestConnections, requestShape } from './request-shape.js';

export type CutPhase = 'before' | 'during' | 'after';

/** What writes were like in one stretch of time. */
export interface CutRow {
  readonly maker: Maker;
  readonly phase: CutPhase;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly residentBytesPeak: number;
}

const pollMs = 200;
/** Left out behind the creation of the series, which costs more than what follows. */
const settleMs = 5000;
/** Longer than any block takes to be cut. */
const cutMsMax = 600_000;

export async function measureCuts(args: CutArguments, context: BenchContext): Promise<string> {
  const rows = await context.forEachMaker((maker) => measureCut(maker, args, context));
  const { series, rate, rangeMs } = args;
  return cutTable(
    rows,
    machineText(
      `${wholeNumber(series)} series, ${wholeNumber(rate)} samples a second in requests of 2,000, blocks of ${rangeMs / 1000} s. Latency counts from when a request was due; "during" lasts from the begin of the cut until log and head are truncated.`,
    ),
  );
}

function measureCut(
  maker: Maker,
  { series, rangeMs, rate, windowMs }: CutArguments,
  { inDirectory, appsDir, guard, signal }: BenchContext,
): Promise<CutRow[]> {
  const bodies = prepareBodies({ series, ...requestShape });
  return inDirectory(async (dir) => {
    const range = `${rangeMs}ms`;
    const ingesterFlags = [`--tsdb.min-block-duration=${range}`, `--tsdb.max-block-duration=${range}`];
    const fleet = await startFleet({ maker, replicationFactor: 1, dir, appsDir, guard, ingesterFlags });
    const over = new AbortController();
    try {
      const ingester = fleet.ingesters[0] as Member;
      const common = { url: fleet.url, headers: {}, connections: requestConnections, tenants: [], bodies };
      // The first block reaches from the first sample to the next multiple of the range: so it is a whole one.
      await sleep(rangeMs - (Date.now() % rangeMs), undefined, { signal });
      await new Load({ ...common, until: { rounds: 1 }, signal }).run();
      const answers: LoadAnswer[] = [];
      const memory: MemoryReading[] = [];
      const steadyMs = Date.now() + settleMs;
      const load = new Load({
        ...common,
        until: { durationMs: 2 * rangeMs + cutMsMax },
        samplesPerSecondMax: rate,
        onAnswer: (answer) => answers.push(answer),
        signal: AbortSignal.any([signal, over.signal]),
      }).run();
      const cut = await untilCut(maker, ingester, {
        windowMs,
        limitMs: Date.now() + 2 * rangeMs + cutMsMax,
        memory,
        signal,
      });
      over.abort();
      await load;
      console.error(
        `${maker}: the block was cut in ${((cut.endMs - cut.beginMs) / 1000).toFixed(1)} s; ${answers.length} answers`,
      );
      return toRows(maker, { cut, answers, memory, windowMs, steadyMs });
    } finally {
      over.abort();
      await fleet.stop();
    }
  });
}

interface MemoryReading {
  readonly atMs: number;
  readonly residentBytes: number;
}

/** Resolves with the first cut, as long after its end as counts. */
async function untilCut(
  maker: Maker,
  ingester: Member,
  {
    windowMs,
    limitMs,
    memory,
    signal,
  }: { windowMs: number; limitMs: number; memory: MemoryReading[]; signal: AbortSignal },
): Promise<Cut> {
  const watch = new CutWatch(maker, ingester);
  for (; ; await sleep(pollMs)) {
    signal.throwIfAborted();
    const usage = readProcessUsage(ingester.pid);
    if (usage === undefined || Date.now() > limitMs)
      throw new Error(
        `Cannot measure a cut of ${maker}: ${usage ? 'there was none' : 'the ingester has ended'}\n${ingester.child.lastLogLines(10)}`,
      );
    memory.push({ atMs: Date.now(), residentBytes: usage.residentBytes });
    const cut = await watch.look();
    if (cut !== undefined && Date.now() > cut.endMs + windowMs) return cut;
  }
}

/** Shares out the answers. A request counts as during the cut when any part of it was. */
export function toRows(
  maker: Maker,
  {
    cut: { beginMs, endMs },
    answers,
    memory,
    windowMs,
    steadyMs,
  }: {
    cut: Cut;
    answers: readonly LoadAnswer[];
    memory: readonly MemoryReading[];
    windowMs: number;
    steadyMs: number;
  },
): CutRow[] {
  const stretches: readonly (readonly [CutPhase, number, number])[] = [
    ['before', Math.max(steadyMs, beginMs - windowMs), beginMs],
    ['during', beginMs, endMs],
    ['after', endMs, endMs + windowMs],
  ];
  const phaseOf = ({ dueMs, answeredMs }: LoadAnswer): CutPhase =>
    answeredMs < beginMs ? 'before' : dueMs <= endMs ? 'during' : 'after';
  return stretches.map(([phase, fromMs, toMs]) => {
    const latency = new LatencyHistogram();
    let failed = 0;
    for (const answer of answers) {
      if (phaseOf(answer) !== phase || answer.answeredMs < fromMs || answer.dueMs > toMs) continue;
      latency.record(answer.answeredMs - answer.dueMs);
      if (!isSuccess(answer.code)) failed += 1;
    }
    const readings = memory.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    return {
      maker,
      phase,
      seconds: (toMs - fromMs) / 1000,
      requests: latency.count,
      failed,
      p50Ms: latency.quantileMs(0.5),
      p99Ms: latency.quantileMs(0.99),
      maxMs: latency.maxMs,
      residentBytesPeak: Math.max(0, ...readings.map(({ residentBytes }) => residentBytes)),
    };
  });
}

export function cutTable(rows: readonly CutRow[], machine: string): string {
  const p99Before = (maker: Maker): number =>
    rows.find((row) => row.maker === maker && row.phase === 'before')?.p99Ms ?? NaN;
  return markdownTable(
    machine,
    [
      { words: 'of' },
      { words: 'the cut' },
      'seconds',
      'requests',
      'failed',
      'p50 ms',
      'p99 ms',
      'p99 to that before',
      'max ms',
      'RSS peak, MB',
    ],
    rows.map((row) => [
      row.maker,
      row.phase,
      row.seconds.toFixed(1),
      wholeNumber(row.requests),
      wholeNumber(row.failed),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      (row.p99Ms / p99Before(row.maker)).toFixed(2),
      row.maxMs.toFixed(1),
      wholeNumber(row.residentBytesPeak / 1e6),
    ]),
  );
}
