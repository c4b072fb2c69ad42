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
const exemplar = field(3, Buffer.from([0x18, 1]));
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

describe.each<[exemplars: string, exemplarsMax: number]>([
  ['exemplars kept', 10],
  ['none kept', 0],
])('with %s,', (_exemplars, exemplarsMax) => {
  test.each<[what: string, series: Buffer[]]>([
    [
      'bad labels of every kind',
      [empty, twice, unsorted, Buffer.alloc(0)].map((labels) => Buffer.concat([labels, sample])),
    ],
    ['a histogram in a series with bad labels', [Buffer.concat([empty, histogram])]],
    ['a series without samples', [good]],
    ['exemplars alone', [Buffer.concat([good, exemplar, exemplar])]],
    ['exemplars alone, and bad labels', [Buffer.concat([empty, exemplar]), Buffer.concat([good, exemplar])]],
  ])('of %s nothing is storable, and the answer is that of an open database', (_what, series) => {
    const batch = scan(...series);
    expect(isAnyStorable(batch, 0)).toBe(false);
    const head = createHead({ chunkRangeMs: 7_200_000, exemplarsMax });
    const { rejections } = head.append(batch, 0, { timestampMsMax: Infinity });
    // A head takes series with bad labels last.
    const inOrder = [...rejections].sort((a, b) => a.series - b.series);
    expect([...refuseGroup(batch, 0, { keepsExemplars: exemplarsMax > 0 }).rejections]).toEqual(inOrder);
  });
});

test('exemplars alone are refused where exemplars are kept', () => {
  const batch = scan(Buffer.concat([good, exemplar, exemplar]));
  expect([...refuseGroup(batch, 0, { keepsExemplars: true }).rejections]).toEqual([
    { series: 0, item: 'exemplar', first: 0, count: 2, reason: 'exemplarWithoutSeries' },
  ]);
  expect([...refuseGroup(batch, 0, { keepsExemplars: false }).rejections]).toEqual([]);
});

test('a histogram alone is storable', () => {
  expect(isAnyStorable(scan(Buffer.concat([good, histogram])), 0)).toBe(true);
});

test('one good sample among bad series is storable', () => {
  expect(isAnyStorable(scan(Buffer.concat([empty, sample]), Buffer.concat([good, sample])), 0)).toBe(true);
});
