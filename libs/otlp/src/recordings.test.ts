import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RowVerdict, createIntake, readRow } from '@gauntlet/kernel';
import { OtlpMalformedError, translateMetrics, type OtlpContentType, type Translation } from './index.js';
import { readSeries } from './testing/read-series.js';

interface Recording {
  name: string;
  contentType: OtlpContentType;
  body: string;
  status: number;
  stored?: { labels: [string, string][]; samples?: [number, string][]; histograms?: object[] }[];
}
const recordings = JSON.parse(readFileSync(join(__dirname, '../testdata/thanos-otlp.json'), 'utf8')) as Recording[];
const withStatus = (status: number): [string, Recording][] =>
  recordings.filter((each) => each.status === status).map((each) => [each.name, each]);
const translate = ({ body, contentType }: Recording): Translation =>
  translateMetrics(Buffer.from(body, 'base64'), contentType, { targetInfo: true, promoteResourceAttributes: [] });

test.each(withStatus(200))('%s: the series are those that Thanos stored', (_name, recording) => {
  const { message, rejected } = translate(recording);
  expect(rejected).toEqual({ count: 0, firstReasons: [] });
  const stored = (recording.stored ?? []).map(({ labels, samples = [], histograms = [] }) => ({
    labels: labels.filter(([name]) => name !== 'tenant_id'), // It is of the ingester.
    samples,
    histograms,
    exemplars: [],
  }));
  expect(readSeries(message)).toEqual(stored);
});

test.each(withStatus(200))('%s: the intake takes every series of the message', (_name, recording) => {
  const { message } = translate(recording);
  const intake = createIntake({ messageBytesMax: 1024 * 1024 });
  const batch = intake.scan(message, 'identity', { kind: 'prometheus', tenant: 't' });
  expect(batch.rowCount).toBe(readSeries(message).length);
  for (let row = 0; row < batch.rowCount; row += 1) expect(readRow(batch, row).verdict).toBe(RowVerdict.ok);
});

test.each([
  ['otlp-sum-delta', 0, 1, 'metric "http.requests": its temporality is delta, not cumulative'],
  ['otlp-delta-and-good', 1, 1, 'metric "http.requests": its temporality is delta, not cumulative'],
  ['otlp-no-points', 0, 0, 'metric "x": it has no data points'],
])('%s: what Thanos refuses is refused with a reason, and nothing else is', (name, dataPoints, count, reason) => {
  const translation = translate(recordings.find((each) => each.name === name)!);
  expect(translation.dataPoints).toBe(dataPoints);
  expect(translation.rejected).toEqual({ count, firstReasons: [reason] });
  expect(readSeries(translation.message)).toHaveLength(dataPoints);
});

test.each([['otlp-garbage'], ['otlp-json-bad'], ['otlp-json-body-under-protobuf']])('%s: is malformed', (name) => {
  expect(() => translate(recordings.find((each) => each.name === name)!)).toThrow(OtlpMalformedError);
});
