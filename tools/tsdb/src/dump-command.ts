import { int64Max, int64Min, toInt64 } from '@gauntlet/base';
import type { ChunkSample } from '@gauntlet/chunk';
import { type Labels, compareLabels } from '@gauntlet/model';
import type { Vfs } from '@gauntlet/vfs';
import { type OpenBlock, openBlock, openBlocks } from './block-series.js';
import { goFloat, labelsText, openMetricsLabels } from './go-text.js';
import { readHead } from './head-series.js';
import { fromBits, histogramText } from './histogram-text.js';
import { parseSelector } from './selector.js';
import { type StoredSeries, mergeRuns } from './stored-series.js';
import type { DumpArguments } from './tsdb-arguments.js';
import type { Terminal } from './verify-command.js';
import { classifyDirectory } from './verify-path.js';

/** Characters that are printed at once. */
const printChars = 65_536;

/** Prints all samples by labels and time, in the form of `promtool tsdb dump`. What damage hides is told on stderr, with exit code 1. */
export async function dumpCommand(
  args: DumpArguments,
  vfs: Vfs,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const selectors = args.matches.map(parseSelector);
  const range = { minTimeMs: args.minTimeMs ?? int64Min, maxTimeMs: args.maxTimeMs ?? int64Max };
  const format = args.openMetrics ? openMetricsLine : promLine;
  let isDamaged = false;
  const onDamage = (problem: string): void => {
    isDamaged = true;
    console.error(`Cannot read all of ${args.dir}: ${problem}`);
  };
  const printer = new Printer(terminal);
  const isBlock = (await classifyDirectory(vfs, args.dir)) === 'block';
  const blocks = isBlock ? [await openBlock(vfs, args.dir)] : await openBlocks(vfs, args.dir);
  try {
    const head = isBlock ? [] : await readHead(vfs, args.dir, minValidTime(blocks), onDamage);
    const sources = [...blocks.map((block) => block.series()), listed(head)];
    for await (const { labels, runs } of mergeSeries(sources)) {
      signal.throwIfAborted();
      if (selectors.length > 0 && !selectors.some((matches) => matches(labels))) continue;
      const line = format(labels);
      for await (const sample of mergeRuns(runs, range)) printer.print(line(sample));
    }
  } finally {
    for (const block of blocks) await block.close();
  }
  if (args.openMetrics) printer.print('# EOF');
  printer.flush();
  return isDamaged ? 1 : 0;
}

/** Where the newest block ends that holds ordinary samples. */
function minValidTime(blocks: readonly OpenBlock[]): bigint {
  const ordinary = blocks.filter(({ meta }) => (meta.compaction.hints ?? []).length === 0);
  return toInt64(Math.max(-Infinity, ...ordinary.map(({ meta }) => meta.maxTime)));
}

type LineOf = (sample: ChunkSample) => string | undefined;

function promLine(labels: Labels): LineOf {
  const series = labelsText(labels);
  return (sample) => {
    const value = 'histogram' in sample ? histogramText(sample.histogram) : goFloat(fromBits(sample.bits));
    return `${series} ${value} ${sample.timestampMs}`;
  };
}

/** Histograms have no form there. */
function openMetricsLine(labels: Labels): LineOf {
  const series = openMetricsLabels(labels);
  return (sample) =>
    'histogram' in sample
      ? undefined
      : `${series} ${goFloat(fromBits(sample.bits))} ${secondsText(sample.timestampMs)}`;
}

function secondsText(timeMs: bigint): string {
  const magnitude = timeMs < 0n ? -timeMs : timeMs;
  return `${timeMs < 0n ? '-' : ''}${magnitude / 1000n}.${String(magnitude % 1000n).padStart(3, '0')}`;
}

class Printer {
  readonly #terminal: Terminal;
  #text = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  print(line: string | undefined): void {
    if (line === undefined) return;
    this.#text += this.#text === '' ? line : `\n${line}`;
    if (this.#text.length > printChars) this.flush();
  }

  flush(): void {
    if (this.#text !== '') this.#terminal.line(this.#text);
    this.#text = '';
  }
}

async function* listed(series: readonly StoredSeries[]): AsyncGenerator<StoredSeries> {
  yield* series;
}

/** All series of several sources in label order, one series at a time from each. */
async function* mergeSeries(sources: readonly AsyncGenerator<StoredSeries>[]): AsyncGenerator<StoredSeries> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    const waiting = heads.flatMap((head) => (head.next.done === true ? [] : [{ head, series: head.next.value }]));
    const [first] = waiting;
    if (first === undefined) return;
    const labels = waiting.reduce(
      (least, { series }) => (compareLabels(series.labels, least) < 0 ? series.labels : least),
      first.series.labels,
    );
    const equal = waiting.filter(({ series }) => compareLabels(series.labels, labels) === 0);
    for (const { head } of equal) head.next = await head.source.next();
    yield { labels, runs: equal.flatMap(({ series }) => series.runs) };
  }
}
