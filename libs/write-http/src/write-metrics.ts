import { createCounter, createGauge, createHistogram, type MetricRegistry } from '@gauntlet/telemetry';
import type { WriteObserver } from './observer.js';

/** Up to 5 s; longer deadlines add a bound every 2 s. */
const secondsBounds = [
  0.001, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5,
];
const bytesBounds = Array.from({ length: 10 }, (_, power) => 64 * 2 ** power);
const amountBounds = [10, 50, 100, 500, 1000, 5000, 10_000];

/** Rows of each metric; the listener bounds the tenants, and this what they are multiplied with. */
const cellsMax = 10_000;

/** Metrics of a write listener under the names that dashboards know (spec/receive.md 9). */
export function writeMetrics(
  registry: MetricRegistry,
  { timeoutMs = 5000 }: { readonly timeoutMs?: number } = {},
): WriteObserver {
  const labelNames = ['code', 'handler', 'method', 'tenant'];
  const ofRequest = (name: string, help: string, buckets: readonly number[]) =>
    createHistogram(registry, { name, help, labelNames, buckets, cellsMax });
  const ofWrite = (name: string, help: string) =>
    createHistogram(registry, { name, help, labelNames: ['code', 'tenant'], buckets: amountBounds, cellsMax });

  const writeSeries = ofWrite('thanos_receive_write_timeseries', 'Series of a write.');
  const writeSamples = ofWrite('thanos_receive_write_samples', 'Float samples of a write.');
  const requests = createCounter(registry, {
    name: 'http_requests_total',
    help: 'HTTP requests answered.',
    labelNames,
    cellsMax,
  });
  const seconds = ofRequest('http_request_duration_seconds', 'Time to the answer of an HTTP request.', [
    ...secondsBounds,
    ...boundsUpTo(timeoutMs / 1000),
  ]);
  const requestBytes = ofRequest('http_request_size_bytes', 'Bytes of an HTTP request.', bytesBounds);
  const responseBytes = ofRequest('http_response_size_bytes', 'Bytes of an HTTP answer.', bytesBounds);
  const inflight = createGauge(registry, {
    name: 'http_inflight_requests',
    help: 'HTTP requests in work.',
    labelNames: ['handler', 'method', 'tenant'],
    cellsMax,
  });
  return {
    written({ tenant, status, series, samples }) {
      writeSeries.cell(String(status), tenant).observe(series);
      writeSamples.cell(String(status), tenant).observe(samples);
    },
    requestStarted: ({ handler, method, tenant }) => void (inflight.cell(handler, method, tenant).value += 1),
    requestFinished({ handler, method, tenant, status, ...measured }) {
      inflight.cell(handler, method, tenant).value -= 1;
      const labels = [String(status), handler, method.toLowerCase(), tenant];
      requests.cell(...labels).value += 1;
      seconds.cell(...labels).observe(measured.seconds);
      requestBytes.cell(...labels).observe(measured.requestBytes);
      responseBytes.cell(...labels).observe(measured.responseBytes);
    },
  };
}

function boundsUpTo(seconds: number): number[] {
  const last = secondsBounds.at(-1)!;
  return Array.from({ length: Math.max(0, Math.floor((seconds - last) / 2)) }, (_, i) => last + 2 * (i + 1));
}
