import fc from 'fast-check';
import { chunkDecoder } from '@gauntlet/chunk';
import { createIntake } from '@gauntlet/kernel';
import { compareCanonicalLabels, labelsOf, labelsOfCanonical, type Labels } from '@gauntlet/model';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { compileMatcher, createOverlay, type LabelMatcher, type SeriesSource } from '@gauntlet/select';
import { collect, restlessPace, stillPace } from '@gauntlet/select/testing';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { LabClock } from './testing/lab-clock.js';
import { labOptions } from './testing/lab-options.js';
import { Tsdb } from './tsdb.js';
import { ReadInterruptedError } from './tsdb-error.js';
import type { TsdbOptions } from './tsdb-options.js';

const intake = createIntake({ messageBytesMax: 1 << 20 });
const windowMs = 3000;

interface Written {
  readonly labels: Labels;
  readonly timestampMs: number;
  readonly value: number;
}

/** A database, its disk, and what was acknowledged. */
class Lab {
  readonly vfs = new MemoryVfs();
  readonly clock = new LabClock();
  readonly written: Written[] = [];
  database!: Tsdb;
  #blocks = 0;
  readonly #more: Partial<TsdbOptions>;

  private constructor(more: Partial<TsdbOptions>) {
    this.#more = more;
  }

  static async open(more: Partial<TsdbOptions> = {}): Promise<Lab> {
    const lab = new Lab(more);
    await lab.vfs.makeDir('/data');
    await lab.reopen();
    return lab;
  }

  async reopen(): Promise<void> {
    await (this.database as Tsdb | undefined)?.close();
    this.database = await Tsdb.open({
      ...labOptions(this.vfs, { clock: this.clock, outOfOrderWindowMs: windowMs, ...this.#more }),
      // No id may come twice.
      randomBytes: (length) => {
        const bytes = new Uint8Array(length);
        new DataView(bytes.buffer).setUint32(0, (this.#blocks += 1));
        return bytes;
      },
    });
  }

  async write(labels: Labels, timestampMs: number, value: number): Promise<void> {
    const series = labels.map(({ name, value }) => [name, value] as const);
    const request = encodeWriteRequest({ timeseries: [{ labels: series, samples: [{ timestampMs, value }] }] });
    const message = Buffer.concat([request, Buffer.from([0x12, 1, 0x74])]);
    const batch = intake.scan(message, 'identity', { kind: 'thanos', routeHashes: false });
    const { committed, hasRejections } = this.database.append(batch, 0);
    await committed;
    this.clock.now = Math.max(this.clock.now, timestampMs);
    const isThere = this.written.some((one) => one.timestampMs === timestampMs && one.labels === labels);
    if (!hasRejections && !isThere) this.written.push({ labels, timestampMs, value });
  }
}

interface Question {
  readonly matchers: readonly LabelMatcher[];
  readonly from: number;
  readonly length: number;
  readonly removed: readonly string[];
  readonly external: Labels;
}

const all: Question = { matchers: [], from: -Infinity, length: Infinity, removed: [], external: [] };

const endOf = ({ from, length }: Pick<Question, 'from' | 'length'>): number =>
  from === -Infinity ? Infinity : from + length;

const ask = (
  { database }: Lab,
  { matchers, from, length, removed, external }: Question,
  pace = stillPace,
): Promise<SeriesSource> =>
  database.reader.select({
    matchers,
    minTimeMs: from,
    maxTimeMs: endOf({ from, length }),
    overlay: createOverlay(external, removed),
    skipChunks: false,
    limit: 0,
    pace,
  });

/** What was asked for, as `labels time`, once each: of series that became one, some repeat each other. */
async function answered(source: SeriesSource, { from, length }: Question): Promise<string[]> {
  const series = await collect(source);
  for (const [index, { labels }] of series.entries())
    if (index > 0) expect(compareCanonicalLabels(series[index - 1]!.labels, labels)).toBeLessThanOrEqual(0);
  const found = series.flatMap(({ labels, chunks }) => {
    expect(chunks.map(({ minTimeMs }) => minTimeMs)).toEqual(chunks.map((c) => c.minTimeMs).sort((a, b) => a - b));
    return chunks.flatMap(({ encoding, data }) =>
      [...chunkDecoder(encoding)(data)]
        .map(({ timestampMs }) => Number(timestampMs))
        .filter((timestampMs) => timestampMs >= from && timestampMs <= endOf({ from, length }))
        .map((timestampMs) => `${JSON.stringify(labelsOfCanonical(labels))} ${timestampMs}`),
    );
  });
  return [...new Set(found)].sort();
}

function expected({ written }: Lab, { matchers, from, length, removed, external }: Question): string[] {
  const found = written
    .filter(({ labels }) =>
      matchers.every(({ name, matches }) => matches(labels.find((label) => label.name === name)?.value ?? '')),
    )
    .filter(({ timestampMs }) => timestampMs >= from && timestampMs <= endOf({ from, length }))
    .map(({ labels, timestampMs }) => {
      const kept = labels.filter(({ name }) => !removed.includes(name));
      const added = external.filter(({ name }) => !removed.includes(name));
      const final = labelsOf(Object.fromEntries([...kept, ...added].map(({ name, value }) => [name, value])));
      return `${JSON.stringify(final)} ${timestampMs}`;
    });
  return [...new Set(found)].sort();
}

const pool: readonly Labels[] = ['a', 'b', 'c'].flatMap((metric) =>
  [{}, { replica: '0' }, { replica: '1' }, { replica: '1', zone: 'x' }, { zone: 'y' }].map((more) =>
    labelsOf({ __name__: metric, ...(more as Record<string, string>) }),
  ),
);

type Step =
  | { readonly do: 'write'; readonly series: number; readonly advanceMs: number }
  | { readonly do: 'cut' }
  | { readonly do: 'flush' }
  | { readonly do: 'maintain' }
  | { readonly do: 'compact' }
  | { readonly do: 'reopen' }
  | { readonly do: 'ask'; readonly question: Question };

const questions: fc.Arbitrary<Question> = fc.record({
  matchers: fc.constantFrom(
    [],
    [compileMatcher('=', '__name__', 'a')],
    [compileMatcher('=~', '__name__', 'a|c')],
    [compileMatcher('!=', 'replica', '')],
    [compileMatcher('=', 'replica', ''), compileMatcher('!~', 'zone', 'x.*')],
  ),
  from: fc.oneof(fc.constant(-Infinity), fc.integer({ min: 0, max: 12_000 })),
  length: fc.integer({ min: 0, max: 6000 }),
  removed: fc.constantFrom([], ['replica'], ['zone', 'cluster']),
  external: fc.constantFrom([], labelsOf({ cluster: 'eu' }), labelsOf({ cluster: 'eu', replica: 'r', tenant_id: 't' })),
});
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      series: fc.nat(pool.length - 1),
      advanceMs: fc.integer({ min: -2000, max: 400 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'maintain' as const, 'compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ask' as const), question: questions }) },
);

test('whatever was cut, moved to files, came late or was replayed, a read finds each acknowledged sample of its range', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 30, maxLength: 160 }), questions, async (script, last) => {
      const lab = await Lab.open();
      let nowMs = 5000;
      const whole: readonly Step[] = [...script, { do: 'ask', question: last }];
      for (const step of whole) {
        if (step.do === 'write') {
          const timestampMs = Math.max(1, nowMs + step.advanceMs);
          await lab.write(pool[step.series]!, timestampMs, timestampMs);
          nowMs = Math.max(nowMs, timestampMs);
        } else if (step.do === 'cut') await lab.database.cutIfDue();
        else if (step.do === 'flush') await lab.database.flush();
        else if (step.do === 'maintain') await lab.database.maintain();
        else if (step.do === 'compact') await lab.database.compactOutOfOrder();
        else if (step.do === 'reopen') await lab.reopen();
        else {
          expect(await answered(await ask(lab, step.question), step.question)).toEqual(expected(lab, step.question));
          const { matchers, from, length } = step.question;
          const range = { minTimeMs: from, maxTimeMs: endOf({ from, length }) };
          const names = await lab.database.reader.labelNames({ matchers, ...range, limit: 0, pace: stillPace });
          const wanted = expected(lab, { ...step.question, removed: [], external: [] });
          for (const name of ['__name__', 'replica', 'zone'])
            if (wanted.some((text) => text.includes(`"name":"${name}"`))) expect(names).toContain(name);
        }
      }
      await lab.database.close();
    }),
    { numRuns: process.env['GAUNTLET_LONG'] === undefined ? 40 : 1000 },
  );
}, 600_000);

async function filled(more: Partial<TsdbOptions>): Promise<Lab> {
  const lab = await Lab.open(more);
  for (let timestampMs = 1; timestampMs < 3000; timestampMs += 100)
    for (const labels of pool) await lab.write(labels, timestampMs, timestampMs);
  return lab;
}

test('a cut waits for a reader that has begun before it, who gets all of it', async () => {
  const lab = await filled({ readersWaitMsMax: Infinity });
  const before = expected(lab, all);
  expect(before).toHaveLength(30 * pool.length);
  const source = await ask(lab, all, restlessPace);
  const flushing = lab.database.flush();
  for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
  expect(lab.database.head.seriesCount).toBe(pool.length);
  expect(await answered(source, all)).toEqual(before);
  await flushing;
  expect(lab.database.head.seriesCount).toBe(0);
  expect(await answered(await ask(lab, all), all)).toEqual(before);
  await lab.database.close();
});

test('what came late is compacted while there is always somebody who reads', async () => {
  const lab = await filled({ readersWaitMsMax: 30_000 });
  await lab.database.flush();
  for (const labels of pool) await lab.write(labels, 150, 7);
  const before = expected(lab, all);
  let current = await ask(lab, all, restlessPace);
  let isCompacted = false;
  const compacting = lab.database.compactOutOfOrder().then((ids) => {
    isCompacted = true;
    return ids;
  });
  // Each begins before the last one ends, and none is ended before its time.
  for (let reads = 0; reads < 2000 && !isCompacted; reads += 1) {
    const next = await ask(lab, all, restlessPace);
    expect(await answered(current, all)).toEqual(before);
    current = next;
  }
  expect(isCompacted).toBe(true);
  expect((await compacting).length).toBeGreaterThan(0);
  expect(await answered(current, all)).toEqual(before);
  await lab.database.close();
});

test('a reader that takes too long is told so, and not given an answer with a hole', async () => {
  const lab = await filled({ readersWaitMsMax: 0 });
  const source = await ask(lab, all, restlessPace);
  await source.next();
  await lab.database.flush();
  await expect(answered(source, all)).rejects.toBeInstanceOf(ReadInterruptedError);
  source.close();
  expect(await answered(await ask(lab, all), all)).toEqual(expected(lab, all));
  await lab.database.close();
});

test('a block that retention deletes under its reader is read to its end', async () => {
  const lab = await filled({ retentionMs: 1 });
  await lab.database.flush();
  const before = expected(lab, all);
  const source = await ask(lab, all, restlessPace);
  await source.next();
  expect((await lab.database.applyRetention(undefined)).length).toBeGreaterThan(0);
  const rest = await answered(source, all);
  expect(rest.length).toBeGreaterThan(0);
  expect(before).toEqual(expect.arrayContaining(rest));
  expect((await answered(await ask(lab, all), all)).length).toBeLessThan(before.length);
  await lab.database.close();
});
