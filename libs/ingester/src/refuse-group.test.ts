import { createHead } from '@gauntlet/head';
import { createIntake, type ScannedBatch } from '@gauntlet/kernel';
import { isAnyStorable, refuseGroup } from './refuse-group.js';

type Labels = readonly (readonly [string, string])[];
const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const labelsOf = (labels: Labels): Buffer =>
  Buffer.concat(
    labels.map(([name, value]) => field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]))),
  );
const sample = field(2, Buffer.from([0x10, 1]));
const histogram = field(4, Buffer.alloc(0));
const scan = (...series: Buffer[]): ScannedBatch =>
  createIntake({ messageBytesMax: 1 << 20 }).scan(Buffer.concat(series.map((one) => field(1, one))), 'identity', {
    kind: 'thanos',
    routeHashes: false,
  });

const good = labelsOf([['a', '1']]);
const empty = labelsOf([['a', '']]);
const twice = labelsOf([
  ['a', '1'],
  ['a', '1'],
]);
const unsorted = labelsOf([
  ['b', '1'],
  ['a', '1'],
]);

test.each<[what: string, series: Buffer[]]>([
  [
    'bad labels of every kind',
    [empty, twice, unsorted, Buffer.alloc(0)].map((labels) => Buffer.concat([labels, sample])),
  ],
  ['a histogram in a series with bad labels', [Buffer.concat([empty, histogram])]],
  ['a series without samples', [good]],
])('of %s nothing is storable, and the answer is that of an open database', (_what, series) => {
  const batch = scan(...series);
  expect(isAnyStorable(batch, 0)).toBe(false);
  const { rejections } = createHead({ chunkRangeMs: 7_200_000 }).append(batch, 0, { timestampMsMax: Infinity });
  expect([...refuseGroup(batch, 0).rejections]).toEqual([...rejections]);
});

test('a histogram alone is storable', () => {
  expect(isAnyStorable(scan(Buffer.concat([good, histogram])), 0)).toBe(true);
});

test('one good sample among bad series is storable', () => {
  expect(isAnyStorable(scan(Buffer.concat([empty, sample]), Buffer.concat([good, sample])), 0)).toBe(true);
});
