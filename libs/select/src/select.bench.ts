import { canonicalLabels, compareCanonicalLabels, labelsOf } from '@gauntlet/model';
import { compileMatcher } from './matcher.js';
import { mergeSources } from './merge.js';
import { createOverlay } from './overlay.js';
import { shardSource } from './shard-source.js';
import { sourceOf, stillPace } from './testing/index.js';

const count = 100_000;
const series = Array.from({ length: count }, (_, index) => ({
  labels: canonicalLabels(
    labelsOf({
      __name__: `http_requests_${index % 100}`,
      ...Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`label_${at}`, `value-${(index >> at) & 7}`])),
      instance: `10.0.${index >> 8}.${index & 255}:9090`,
      job: 'api',
    }),
  ),
  chunks: [],
})).sort((a, b) => compareCanonicalLabels(a.labels, b.labels));
const overlay = createOverlay(labelsOf({ cluster: 'eu-1', replica: 'r1', tenant_id: 'team-a' }), []);
const neighbour = (index: number) => series[(index * 7919) % count]!.labels;

async function measure(what: string, run: () => void | Promise<void>): Promise<void> {
  await run();
  const startUs = process.cpuUsage();
  await run();
  const used = process.cpuUsage(startUs);
  console.log(`${what}: ${((used.user + used.system) / count).toFixed(2)} us of CPU each`);
}

async function main(): Promise<void> {
  await measure('overlay.apply', () => series.forEach(({ labels }) => void overlay.apply(labels)));
  await measure('overlay.compare of neighbours', () => {
    for (let index = 1; index < count; index += 1) overlay.compare(series[index - 1]!.labels, series[index]!.labels);
  });
  await measure('overlay.compare of any two', () => {
    for (let index = 1; index < count; index += 1) overlay.compare(neighbour(index - 1), neighbour(index));
  });
  await measure('a merge of 4', async () => {
    const sources = [0, 1, 2, 3].map((part) => sourceOf(series.filter((_, index) => index % 4 === part)));
    const merged = mergeSources([...sources, sourceOf([])], { chunks: 'join' });
    for (let next = merged.next(); ; next = merged.next())
      if ((next instanceof Promise ? await next : next) === undefined) return;
  });
  await measure('a shard of 4', () => {
    const sharded = shardSource(sourceOf(series), { index: 1, count: 4, by: false, labels: [] }, stillPace);
    while (sharded.next() !== undefined);
  });
  for (const expression of ['a|b|value-1', 'value-.*', '.*:90.+', '10\\.0\\.\\d+\\..*', '(?i)VALUE-[0-9]+']) {
    const values = series.map((_, index) => `10.0.${index >> 8}.${index & 255}:9090`);
    await measure(`=~"${expression}"`, () => {
      const { matches } = compileMatcher('=~', 'x', expression);
      for (const value of values) matches(value);
    });
  }
}

void main();
