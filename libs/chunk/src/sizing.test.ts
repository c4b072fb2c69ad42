import { XorAppender } from './xor.js';
import { decideCut, decideHistogramCut, estimateEnd, rangeEnd, type OpenChunk } from './sizing.js';

const range = 7_200_000;

test.each([
  { t: 0, end: range },
  { t: range - 1, end: range },
  { t: range, end: 2 * range },
  { t: -1, end: range }, // Division truncates toward zero: the first range on either side of 0 has the same end.
  { t: -range, end: 0 },
  { t: -range - 1, end: 0 },
])('the range of $t ends at $end', ({ t, end }) => {
  expect(rangeEnd(t, range)).toBe(end);
});

test.each([
  { start: 100, current: 200, max: 1000, ratio: 4, end: 550 },
  { start: 0, current: 250, max: 1000, ratio: 4, end: 1000 },
  { start: 5000, current: 5110, max: 10_000, ratio: 4.2, end: 5500 },
  { start: 100, current: 100, max: 1000, ratio: 4, end: 104 },
])('a chunk from $start, 1/$ratio full at $current, ends at $end', ({ start, current, max, ratio, end }) => {
  expect(estimateEnd(start, current, max, ratio)).toBe(end);
});

/** Sample counts of the chunks of one series with a constant value. */
function lengths(startMs: number, stepMs: number, endMs: number): number[] {
  const counts: number[] = [];
  let open: (OpenChunk & { appender: XorAppender }) | undefined;
  for (let t = startMs; t < endMs; t += stepMs) {
    let isNew = open === undefined;
    let nextAtMs = rangeEnd(t, range);
    if (open !== undefined) {
      const decision = decideCut(open, t, 120);
      isNew = decision.cut;
      if (!decision.cut) nextAtMs = decision.nextAtMs;
    }
    if (open !== undefined && isNew) counts.push(open.sampleCount);
    const appender: XorAppender = isNew ? new XorAppender() : open!.appender;
    appender.append(BigInt(t), 0n);
    open = {
      appender,
      sampleCount: appender.sampleCount,
      byteLength: appender.byteLength,
      minTimeMs: isNew ? t : open!.minTimeMs,
      maxTimeMs: t,
      nextAtMs,
    };
  }
  return open === undefined ? counts : [...counts, open.sampleCount];
}

test.each([
  { stepMs: 15_000, length: 120, count: 4 },
  { stepMs: 30_000, length: 120, count: 2 },
  { stepMs: 60_000, length: 120, count: 1 },
  { stepMs: 5_000, length: 120, count: 12 },
])('a sample each $stepMs ms makes $count chunks of $length in a range', ({ stepMs, length, count }) => {
  expect(lengths(0, stepMs, range)).toEqual(Array<number>(count).fill(length));
});

test('a sample each second makes 61 chunks, the first of 117 samples', () => {
  const chunks = lengths(0, 1000, range);
  expect(chunks).toHaveLength(61);
  expect(chunks[0]).toBe(117);
});

test('an unaligned start spreads the rest of the range evenly', () => {
  expect(lengths(1_234_567, 15_000, 1_234_567 + 480 * 15_000)).toEqual([133, 133, 132, 82]);
});

test.each([
  // bytes, samples, t, nextAt, estimated; cut, nextAt after
  { byteLength: 255, sampleCount: 20, t: 3000, nextAtMs: range, isEstimated: false, cut: false, next: range },
  // A quarter full after 2 s: four such stretches, of which whole ones fill the range.
  { byteLength: 256, sampleCount: 20, t: 3000, nextAtMs: range, isEstimated: false, cut: false, next: 8008 },
  { byteLength: 256, sampleCount: 20, t: 3000, nextAtMs: 2500, isEstimated: true, cut: true, next: 2500 },
  { byteLength: 256, sampleCount: 9, t: 3000, nextAtMs: 2500, isEstimated: true, cut: false, next: 2500 },
  { byteLength: 2048, sampleCount: 10, t: 3000, nextAtMs: range, isEstimated: true, cut: true, next: range },
  { byteLength: 2048, sampleCount: 9, t: 3000, nextAtMs: range, isEstimated: true, cut: false, next: range },
  // The end of the range ends a chunk however few samples it has.
  { byteLength: 300, sampleCount: 1, t: range, nextAtMs: range, isEstimated: true, cut: true, next: range },
])('histogram chunk of $byteLength bytes and $sampleCount samples, next end $nextAtMs: cut $cut', (row) => {
  const { byteLength, sampleCount, nextAtMs, isEstimated } = row;
  const chunk = { byteLength, sampleCount, nextAtMs, isEstimated, minTimeMs: 0, maxTimeMs: 2000, rangeEndMs: range };
  const decision = decideHistogramCut(chunk, row.t);
  expect(decision.cut).toBe(row.cut);
  expect(decision.nextAtMs).toBe(row.next);
  expect(decision.isEstimated).toBe(isEstimated || byteLength >= 256);
});
