import { compareCanonicalLabels } from '@gauntlet/model';
import type { Exemplar, ExemplarRing } from './exemplar-ring.js';
import type { ExemplarQuery, HeadExemplars } from './head.js';
import type { HeadIndex, HeldIndex } from './head-index.js';
import { LabelTest } from './match-series.js';

/** Exemplars of the series that match one of the selectors, in the order of their labels. */
export async function selectExemplars(
  index: HeadIndex,
  { table }: HeldIndex,
  ring: ExemplarRing,
  { selectors, minTimeMs, maxTimeMs, pace }: ExemplarQuery,
): Promise<HeadExemplars[]> {
  const tests = selectors.map((matchers) => matchers.map((matcher) => new LabelTest(matcher)));
  const isWithin = ({ timestampMs }: Exemplar): boolean => {
    const t = Number(timestampMs);
    return t >= minTimeMs && t <= maxTimeMs;
  };
  const found: HeadExemplars[] = [];
  for (const { ref, exemplars } of ring.all()) {
    if (pace.isDue) await pace.rest();
    const id = table.idOf(ref);
    // One that has come since, or gone meanwhile.
    if (id < 0 || !table.isAlive(id)) continue;
    const labels = index.reader(table.shard(id)).labels(table.address(id));
    if (!tests.some((all) => all.every((test) => test.holds(labels, 0, labels.length)))) continue;
    const within = exemplars.filter(isWithin);
    if (within.length > 0) found.push({ labels: labels.slice(), exemplars: within });
  }
  return found.sort((a, b) => compareCanonicalLabels(a.labels, b.labels));
}
