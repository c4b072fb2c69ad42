import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeWriteRequest } from '@gauntlet/remote-write';
import { encodeExportResponse, translateMetrics } from './index.js';

test('the example of the README holds', () => {
  const point = { timeUnixNano: '1780000000000000000', asInt: '7' };
  const metrics = [
    { name: 'http.requests', unit: '1', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] } },
    { name: 'jobs', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] } },
  ];
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'api' } }] };
  const body = Buffer.from(JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }));

  const options = { targetInfo: true, promoteResourceAttributes: ['k8s.namespace.name'] };
  const { message, dataPoints, rejected } = translateMetrics(body, 'application/json', options);

  const { timeseries } = decodeWriteRequest(message); // Intake.scan(message, 'identity', { kind: 'prometheus', tenant }) takes it.
  expect(timeseries.map(({ labels }) => labels.map(String))).toEqual([['__name__,http_requests_total', 'job,api']]);
  expect(dataPoints).toBe(1);
  expect(rejected).toEqual({ count: 1, firstReasons: ['metric "jobs": its temporality is delta, not cumulative'] });
  const response = encodeExportResponse('application/json', rejected.count, rejected.firstReasons.join('; '));
  expect(JSON.parse(String(response))).toMatchObject({ partialSuccess: { rejectedDataPoints: '1' } });
});

test('the README shows the example that is tested', () => {
  const example = readFileSync(join(__dirname, '../README.md'), 'utf8').split('```')[1]!.split('\n').slice(1);
  const tested = new Set(
    readFileSync(__filename, 'utf8')
      .split('\n')
      .map((line) => line.trim()),
  );
  expect(example.map((line) => line.trim()).filter((line) => line !== '' && !tested.has(line))).toEqual([]);
});
