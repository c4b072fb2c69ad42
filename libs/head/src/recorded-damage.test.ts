import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import type { HeadChunk } from './index.js';
import { filesBelow, labelsText, lines, openHead, recordedWal, write } from './testing/open-recorded.js';
import { patched, type Patch } from './testing/patched.js';
import { recordedHistogram, type RecordedSample, type RecordedSeries } from './testing/recorded-samples.js';

interface DamageCase {
  readonly name: string;
  readonly ops: readonly Patch[];
  /** What of the logged samples a database on the damaged log returns; absent when Prometheus does not open it. */
  readonly recovered?: readonly (readonly [series: number, ranges: readonly (readonly [from: number, to: number])[]])[];
}

type Value = bigint | string;
type TimedValue = readonly [t: bigint, value: Value];

const isLong = process.env['GAUNTLET_LONG'] !== undefined;

/** All of a histogram but the hint: whether it follows the one before is told anew by its chunk. */
const fields = 'kind schema zeroThreshold sum count zeroCount posSpans negSpans pos neg custom'.split(' ');
const recordedValue = ([t, value]: RecordedSample): TimedValue => [
  BigInt(t),
  typeof value === 'string' ? BigInt(`0x${value}`) : JSON.stringify(value, fields),
];
const valueOf = (sample: ChunkSample): TimedValue => [
  sample.timestampMs,
  'bits' in sample ? sample.bits : JSON.stringify(recordedHistogram(sample.histogram), fields),
];

/** Most chunks are the same in all cases, and decoded once. */
const decoded = new Map<string, TimedValue[]>();
function valuesOf({ encoding, data }: HeadChunk): TimedValue[] {
  const key = `${String(encoding)} ${Buffer.from(data!).toString('latin1')}`;
  let values = decoded.get(key);
  if (values === undefined) decoded.set(key, (values = decodeChunk(encoding, data!).map(valueOf)));
  return values;
}

const labelsOf = ({ labels }: { readonly labels: unknown }): string => JSON.stringify(labels);

/** Four series have a float and, logged behind it, a histogram at this time; recordings tell samples of a series by their time alone. */
const switchToHistograms = 1_700_003_825_000n;
/** The first of them is lost with its segment, so that the second is taken. */
const losesFloats = (name: string): boolean => name === 'segment 1 truncated to zero bytes, later ones intact';

describe.each(['none', 'snappy'])('a database on a damaged log (compression: %s)', (compression) => {
  const base = filesBelow(recordedWal(`corrupt/base-${compression}/wal`));
  const logged = lines<RecordedSeries>(`corrupt-${compression}`, 'logged.jsonl.gz');
  const samples = logged.map((series) => series.samples.map(recordedValue));
  // The same damage in a compressed log differs for the log, whose tests have all of it, and not for the head.
  const isTaken = (_: DamageCase, i: number): boolean => compression === 'none' || isLong || i % 3 === 0;
  const cases = lines<DamageCase>('../../../wal/testdata/corrupt', `cases-${compression}.jsonl.gz`).filter(isTaken);

  const readDamaged = async ({ ops }: DamageCase): Promise<Map<string, TimedValue[]>> => {
    const vfs = new MemoryVfs();
    await write(vfs, '/wal', patched(base, ops));
    const { head } = await openHead(vfs, { exemplarsMax: 0 });
    const found = new Map<string, TimedValue[]>();
    const cursor = head.cursor(-Infinity, Infinity);
    for (let series = cursor.next(); series !== undefined; series = cursor.next())
      found.set(labelsText(series.labels), series.chunks.flatMap(valuesOf));
    cursor.close();
    return found;
  };

  const opened = cases.filter(({ recovered }) => recovered !== undefined);
  test.each(opened.map((one) => [one.name, one] as const))('%s: it has what Prometheus has', async (name, one) => {
    const found = await readDamaged(one);
    const expected = one.recovered!.map(([series, ranges]) => ({
      key: labelsOf(logged[series]!),
      values: ranges.flatMap(([from, to]) => samples[series]!.slice(from, to)),
    }));
    expect([...found.keys()].sort()).toEqual(expected.map(({ key }) => key).sort());
    for (const { key, values } of expected) {
      const different = values.findIndex(([t, value], i) => {
        const [foundT, foundValue] = found.get(key)![i] ?? [];
        return t !== foundT || (value !== foundValue && !(losesFloats(name) && t === switchToHistograms));
      });
      expect([key, different, found.get(key)!.length]).toEqual([key, -1, values.length]);
    }
  });

  const refused = cases.filter(({ recovered }) => recovered === undefined);
  test.each(refused.map((one) => [one.name, one] as const))(
    '%s: Prometheus does not open it; it has samples of the log, and no others',
    async (name, one) => {
      const found = await readDamaged(one);
      // All series records are in the first segment.
      expect(found.size).toBe(name.startsWith('first segment missing') ? 0 : logged.length);
      logged.forEach((series, i) => {
        const all = new Map(samples[i]);
        const invented = (found.get(labelsOf(series)) ?? []).filter(([t, value]) => all.get(t) !== value);
        expect(invented).toEqual([]);
      });
    },
  );
});
