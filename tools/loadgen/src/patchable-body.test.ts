import { encodeWriteRequest } from '@gauntlet/remote-write';
import { uncompressSync } from 'snappy';
import { buildBody, generatedValue, patchBody } from './patchable-body.js';
import { seriesLabels } from './series-labels.js';

const labels = Array.from({ length: 700 }, (_, index) => seriesLabels(index * 37, 14));

test.each([1, 3, 20])(
  'a body patched in place is what encoding and compressing its samples would give, with %i samples per series',
  (samplesPerSeries) => {
    const body = buildBody({ firstSeries: 5, labels, samplesPerSeries });
    for (const [round, timestampMs] of [
      [0, 1_700_000_000_000],
      [7, 2_000_000_123_456],
    ] as const) {
      patchBody(body, { timestampMs, round });
      const expected = encodeWriteRequest({
        timeseries: labels.map((pairs, index) => ({
          labels: pairs,
          samples: Array.from({ length: samplesPerSeries }, (_, k) => ({
            timestampMs: timestampMs + k,
            value: generatedValue(5 + index, round * samplesPerSeries + k),
          })),
        })),
      });
      const actual = uncompressSync(body.bytes) as Buffer;
      expect(actual.equals(expected)).toBe(true);
      expect(body.uncompressedBytes).toBe(expected.length);
    }
  },
);

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
