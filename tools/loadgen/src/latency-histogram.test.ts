import { LatencyHistogram } from './latency-histogram.js';

test('quantiles are within two percent of the recorded durations', () => {
  const latency = new LatencyHistogram();
  for (let ms = 1; ms <= 1000; ms++) latency.record(ms);
  for (const [share, expected] of [
    [0.5, 500],
    [0.99, 990],
    [0.001, 1],
  ] as const) {
    expect(Math.abs(latency.quantileMs(share) / expected - 1)).toBeLessThan(0.02);
  }
  expect(latency.quantileMs(1)).toBeLessThanOrEqual(1000);
  expect(latency.maxMs).toBe(1000);
});

test('no duration falls outside, however short or long', () => {
  const latency = new LatencyHistogram();
  for (const ms of [0, 1e-9, 1e12]) latency.record(ms);
  expect(latency.count).toBe(3);
  expect(latency.quantileMs(0.99)).toBeGreaterThan(3_600_000);
});

test('nothing recorded is a quantile of zero', () => {
  expect(new LatencyHistogram().quantileMs(0.99)).toBe(0);
});
