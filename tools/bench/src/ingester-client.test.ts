import { buildBody, seriesLabels } from '@gauntlet/loadgen-tool';
import { uncompressSync } from 'snappy';
import { toIngesterRequest } from './ingester-client.js';

test('what an ingester is sent are the series, the tenant, and that it is the first copy', () => {
  const { bytes } = buildBody({ firstSeries: 0, labels: [seriesLabels(0, 3)], samplesPerSeries: 1 });
  const request = toIngesterRequest(bytes, 'team');
  const series = uncompressSync(bytes) as Buffer;
  expect(request.subarray(0, series.length)).toEqual(series);
  expect(request.subarray(series.length).toString('latin1')).toBe('\x12\x04team\x18\x01');
});
