import { decodeWriteRequestV2, encodeWriteRequest, encodeWriteRequestV2 } from '@gauntlet/remote-write';
import { uncompressSync } from 'snappy';
import { buildBody, generatedValue, patchBody } from './patchable-body.js';
import { seriesMetadata } from './series-metadata.js';
import { seriesLabels, type LabelPair } from './series-labels.js';

const labels = Array.from({ length: 700 }, (_, index) => seriesLabels(index * 37, 14));
const metadataOf = (pairs: readonly LabelPair[]): { type: number; help: string } =>
  seriesMetadata(pairs.find(([name]) => name === '__name__')?.[1] ?? '');

test.each([
  ['1.0', 1],
  ['1.0', 3],
  ['1.0', 20],
  ['2.0', 1],
  ['2.0', 3],
  ['2.0', 20],
] as const)(
  'a body of %s patched in place is what encoding and compressing its samples would give, with %i samples per series',
  (version, samplesPerSeries) => {
    const body = buildBody({ firstSeries: 5, labels, samplesPerSeries, version });
    for (const [round, timestampMs] of [
      [0, 1_700_000_000_000],
      [7, 2_000_000_123_456],
    ] as const) {
      patchBody(body, { timestampMs, round });
      const timeseries = labels.map((pairs, index) => ({
        labels: pairs,
        samples: Array.from({ length: samplesPerSeries }, (_, k) => ({
          timestampMs: timestampMs + k,
          value: generatedValue(5 + index, round * samplesPerSeries + k),
        })),
        metadata: metadataOf(pairs),
      }));
      const expected = version === '1.0' ? encodeWriteRequest({ timeseries }) : encodeWriteRequestV2({ timeseries });
      const actual = uncompressSync(body.bytes) as Buffer;
      expect(actual.equals(expected)).toBe(true);
      expect(body.uncompressedBytes).toBe(expected.length);
    }
  },
);

test('a body of 2.0 is read back with the labels, metadata and samples of every series, and each text only once', () => {
  const body = buildBody({ firstSeries: 5, labels, samplesPerSeries: 2, version: '2.0' });
  patchBody(body, { timestampMs: 1_700_000_000_000, round: 3 });
  const request = decodeWriteRequestV2(uncompressSync(body.bytes) as Buffer);
  expect(request.symbols[0]).toHaveLength(0);
  expect(new Set(request.symbols.map(String)).size).toBe(request.symbols.length);
  const helps = new Set<string>();
  for (const [index, series] of request.timeseries.entries()) {
    const pairs = labels[index] as LabelPair[];
    const texts = series.labelsRefs.map((ref) => String(request.symbols[ref]));
    expect(texts).toEqual(pairs.flat());
    expect(series.metadata?.type).toBe(metadataOf(pairs).type);
    expect(series.metadata?.type).toBeGreaterThan(0);
    expect(String(request.symbols[series.metadata?.helpRef ?? 0])).toBe(metadataOf(pairs).help);
    helps.add(metadataOf(pairs).help);
    expect(series.samples.map(({ timestampMs }) => Number(timestampMs))).toEqual([
      1_700_000_000_000, 1_700_000_000_001,
    ]);
  }
  expect(request.timeseries).toHaveLength(700);
  expect(helps.size).toBeGreaterThan(5);
});

test('of a series that is not a generated one, a body of 2.0 tells no metadata, in a message that is there all the same', () => {
  const body = buildBody({ firstSeries: 0, labels: [[['__name__', 'up']]], samplesPerSeries: 1, version: '2.0' });
  patchBody(body, { timestampMs: 1_700_000_000_000, round: 0 });
  expect(decodeWriteRequestV2(uncompressSync(body.bytes) as Buffer).timeseries[0]?.metadata).toEqual({
    type: 0,
    helpRef: 0,
    unitRef: 0,
  });
});

test('a body is about as small as one from a common compressor, so that receivers see a realistic load', () => {
  const body = buildBody({
    firstSeries: 0,
    labels: Array.from({ length: 2000 }, (_, index) => seriesLabels(index, 14)),
    samplesPerSeries: 1,
  });
  expect(body.bytes.length / body.sampleCount).toBeGreaterThan(55);
  expect(body.bytes.length / body.sampleCount).toBeLessThan(110);
});

test('labels that no copy helps with still give a valid body', () => {
  const random = Array.from(
    { length: 90 },
    (_, index) =>
      [
        [
          '__name__',
          Array.from({ length: 900 }, (_, k) =>
            String.fromCharCode(33 + ((k * k * 31 + index * 7919 + k * index) % 90)),
          ).join(''),
        ],
      ] as const,
  );
  const body = buildBody({ firstSeries: 0, labels: random, samplesPerSeries: 1 });
  patchBody(body, { timestampMs: 1_800_000_000_000, round: 1 });
  expect((uncompressSync(body.bytes) as Buffer).length).toBe(body.uncompressedBytes);
});
