import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { staleMarkerBits } from '@gauntlet/model';
import { decodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import type { Vfs } from '@gauntlet/vfs';
import { replayWal } from '@gauntlet/wal';
import { peerCommand } from '../servers.js';
import { bucketCounts, doubleOf, sampleText, seriesText, type SentHistogram } from './sample-text.js';

/**
 * Adds every sample that promtool finds in a database directory, blocks and log, which is not changed. Told as far as promtool tells it: of a
 * NaN not which one, of a histogram not its layout.
 */
export async function readWithPromtool(dir: string, into: Set<string>): Promise<void> {
  const promtool = spawn(peerCommand('promtool')[0], ['tsdb', 'dump', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  promtool.stderr.on('data', (text: Buffer) => (complaints = (complaints + String(text)).slice(-2000)));
  const ended = new Promise<number | null>((resolve, reject) => {
    promtool.once('error', reject);
    promtool.once('close', resolve);
  });
  for await (const line of createInterface({ input: promtool.stdout })) {
    const sample = parseLine(line);
    if (sample !== undefined) into.add(sample);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`Cannot read ${dir}: promtool ended with ${code}: ${complaints}`);
}

/** The samples of a series that is about to be sent, as `readWithPromtool` will find them. */
export function promtoolTexts({ labels, samples, histograms = [] }: SeriesInput): string[] {
  const series = seriesText(labels as readonly (readonly [string, string])[]);
  return [
    ...samples.map((sample) =>
      sampleText(series, sample.timestampMs, String('bits' in sample ? doubleOf(sample.bits) : sample.value)),
    ),
    ...histograms.map((histogram) => sampleText(series, histogram.timestampMs, histogramText(histogram))),
  ];
}

/**
 * Adds every sample of the requests that waited for the end of a replay when the process was killed; as `readWithPromtool` would find them.
 */
export async function readJournal(vfs: Vfs, dir: string, into: Set<string>): Promise<void> {
  if ((await vfs.stat(dir)) === undefined) return;
  await replayWal(vfs, dir, {
    fromSegment: 'first',
    onRecord: (record) => {
      for (const { labels, samples, histograms } of decodeWriteRequest(record).timeseries) {
        const names = labels.map(([name, value]) => [String(name), String(value)] as const);
        for (const text of promtoolTexts({ labels: names, samples, histograms })) into.add(text);
      }
    },
  });
}

function parseLine(line: string): string | undefined {
  const match = /^(\{.*?\}) (\S+|\{.*\}) (-?\d+)$/.exec(line);
  if (match === null) return undefined;
  const [, series = '', value = '', timestampMs = ''] = match;
  if (!value.startsWith('{')) return sampleText(series, BigInt(timestampMs), String(numberOf(value)));
  const count = numberOf(/^\{count:([^,}]+)/.exec(value)?.[1] ?? '');
  const sum = numberOf(/, sum:([^,}]+)/.exec(value)?.[1] ?? '');
  // Each bucket is `[lower,upper]:count`, with either kind of bracket.
  const counts = [...value.matchAll(/[\])]:([^,}]+)/g)].map((bucket) => numberOf(bucket[1] ?? ''));
  return sampleText(series, BigInt(timestampMs), `count ${count} sum ${sum} buckets ${counts.join(',')}`);
}

/** promtool leaves out empty buckets, and begins with the most negative one. */
function histogramText(histogram: SentHistogram): string {
  // Nothing but its sum is kept of a stale one.
  if (histogram.sumBits === staleMarkerBits) return 'count 0 sum NaN buckets ';
  const { count, zero, negative, positive } = bucketCounts(histogram);
  const sum = doubleOf(histogram.sumBits);
  const counts = [...negative.reverse(), zero, ...positive].filter((one) => one !== 0);
  return `count ${count} sum ${sum} buckets ${counts.join(',')}`;
}

const numberOf = (text: string): number => Number(text.replace('Inf', 'Infinity'));
