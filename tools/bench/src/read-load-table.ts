import { isSuccess, LatencyHistogram, wholeNumber, type LoadAnswer } from '@gauntlet/loadgen-tool';
import { type Maker } from './bench-arguments.js';
import { markdownTable } from './markdown-table.js';
import { type Usage } from './peak-memory.js';
import { type StoreAnswer } from './store-client.js';

export type ReadPhase =
  'before' | 'first read, of one metric' | 'all series are read' | 'a reader stands still' | 'after';

/** A phase as it went, in Unix milliseconds. */
export interface Stretch {
  readonly phase: ReadPhase;
  readonly beginMs: number;
  readonly endMs: number;
  readonly usage: Usage;
  readonly callerCpuSeconds: number;
  /** Those that were taken whole. */
  readonly reads: readonly StoreAnswer[];
}

/** What writes were like in one phase, and what the ingester used. */
export interface ReadLoadRow {
  readonly maker: Maker;
  readonly phase: ReadPhase;
  readonly samplesPerSecond: number;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly reads: number;
  /** Of the last one. */
  readonly seriesRead: number;
  /** In the middle. */
  readonly readMs: number;
  /** Of the ingester: processors in use. */
  readonly processors: number;
  /** Of those who write and read: what they use, the ingester cannot have. */
  readonly callerProcessors: number;
  readonly residentBytes: number;
  readonly residentBytesPeak: number;
}

/** A request counts for a phase when any part of it fell into it. */
export function toReadLoadRow(
  { phase, beginMs, endMs, usage, callerCpuSeconds, reads }: Stretch,
  {
    maker,
    samplesPerSecond,
    answers,
  }: { readonly maker: Maker; readonly samplesPerSecond: number; readonly answers: readonly LoadAnswer[] },
): ReadLoadRow {
  const latency = new LatencyHistogram();
  let failed = 0;
  for (const { dueMs, answeredMs, code } of answers) {
    if (answeredMs < beginMs || dueMs > endMs) continue;
    latency.record(answeredMs - dueMs);
    if (!isSuccess(code)) failed += 1;
  }
  const seconds = (endMs - beginMs) / 1000;
  const readsMs = reads.map(({ totalMs }) => totalMs).sort((a, b) => a - b);
  return {
    maker,
    phase,
    samplesPerSecond,
    seconds,
    requests: latency.count,
    failed,
    p50Ms: latency.quantileMs(0.5),
    p99Ms: latency.quantileMs(0.99),
    maxMs: latency.maxMs,
    reads: reads.length,
    seriesRead: reads.at(-1)?.items ?? 0,
    readMs: readsMs[Math.floor(readsMs.length / 2)] ?? 0,
    processors: usage.cpuSeconds / seconds,
    callerProcessors: callerCpuSeconds / seconds,
    residentBytes: usage.residentBytes,
    residentBytesPeak: usage.residentBytesPeak,
  };
}

export function readLoadTable(rows: readonly ReadLoadRow[], machine: string): string {
  const p99Before = (maker: Maker): number =>
    rows.find((row) => row.maker === maker && row.phase === 'before')?.p99Ms ?? NaN;
  return markdownTable(
    machine,
    [
      { words: 'of' },
      { words: 'phase' },
      'samples/s',
      'seconds',
      'requests',
      'failed',
      'p50 ms',
      'p99 ms',
      'p99 to that before',
      'max ms',
      'reads',
      'series read',
      'a read, s',
      'ingester, processors',
      'callers, processors',
      'RSS at begin, MB',
      'RSS peak, MB',
      'more, MB',
    ],
    rows.map((row) => [
      row.maker,
      row.phase,
      wholeNumber(row.samplesPerSecond),
      row.seconds.toFixed(1),
      wholeNumber(row.requests),
      wholeNumber(row.failed),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      (row.p99Ms / p99Before(row.maker)).toFixed(2),
      row.maxMs.toFixed(1),
      wholeNumber(row.reads),
      row.reads === 0 ? '-' : wholeNumber(row.seriesRead),
      row.reads === 0 ? '-' : (row.readMs / 1000).toFixed(2),
      row.processors.toFixed(2),
      row.callerProcessors.toFixed(2),
      wholeNumber(row.residentBytes / 1e6),
      wholeNumber(row.residentBytesPeak / 1e6),
      ((row.residentBytesPeak - row.residentBytes) / 1e6).toFixed(1),
    ]),
  );
}
