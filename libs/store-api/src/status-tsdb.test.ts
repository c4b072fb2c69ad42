import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@gauntlet/base';
import { labelsOf } from '@gauntlet/model';
import { answerStatusTsdb, type StatusAnswer } from './index.js';
import type { Plain } from './testing/messages.js';
import { modelReader, readersOf } from './testing/model-reader.js';

/* Requests and answers of a Thanos ingester and router. */

interface Recorded {
  readonly name: string;
  readonly topology: string;
  readonly request: { readonly path: string; readonly headers: Record<string, string> };
  readonly response: { readonly status: number; readonly headers: Record<string, string>; readonly json?: Plain };
}
const recorded = JSON.parse(readFileSync(join(__dirname, '../testdata/status-tsdb.json'), 'utf8')) as Recorded[];

const chunk = (time: number): Plain => ({ minTimeMs: time, maxTimeMs: time, encoding: 1, data: Buffer.from('c') });
const series = (labels: Record<string, string>, time: number): Plain => ({
  labels: labelsOf(labels),
  chunks: [chunk(time)],
});
const tenant = (name: string, all: Plain[]): Plain => ({
  tenant: name,
  externalLabels: labelsOf({ tenant_id: name }),
  series: all,
});
const ingester = readersOf(
  [
    tenant('stat-a', [
      series({ __name__: 'http_requests', instance: 'host-1:9100', job: 'api', k: '1' }, 2_000_000_000_000),
      series({ __name__: 'http_requests', instance: 'host-1:9100', job: 'api', k: '2' }, 2_000_000_000_000),
      series({ __name__: 'other', instance: 'host-1:9100', job: 'api' }, 2_000_000_015_000),
    ]),
    tenant('default-tenant', []),
  ].map(modelReader),
);
const options = { tenantHeader: 'THANOS-TENANT', defaultTenant: 'default-tenant', clock: systemClock };

function get(path: string, headers: Record<string, string>, readers = ingester): Promise<StatusAnswer> {
  const query = new URL(path, 'http://a').searchParams;
  const header = (name: string): string | undefined => headers[name.toLowerCase()];
  return answerStatusTsdb({ query, header, signal: new AbortController().signal }, readers, options);
}

test.each(recorded.map((each) => [each.name, each] as const))('%s', async (name, { topology, request, response }) => {
  const answer = await get(request.path, request.headers, topology === 'router-rf1' ? readersOf([]) : ingester);
  // Upstream the process ends.
  if (name === 'status-tsdb-limit-negative') return expect(answer.status).toBe(400);
  expect(answer.status).toBe(response.status);
  expect(answer.headers).toMatchObject(response.headers);
  // The recording has numbers as texts where JavaScript does not hold them.
  const body = JSON.parse(answer.body.replace(/:(-?\d{17,})/g, ':"$1"')) as Plain;
  const rowCounts = (all: Plain): Plain =>
    all?.map?.(({ memoryInBytesByLabelName }: Plain) => memoryInBytesByLabelName.length);
  expect(rowCounts(body.data)).toEqual(rowCounts(response.json.data));
  const withoutEstimates = (all: Plain): Plain =>
    all?.map?.((one: Plain) => ({ ...one, memoryInBytesByLabelName: [] }));
  expect({ ...body, data: withoutEstimates(body.data) }).toEqual({
    ...response.json,
    data: withoutEstimates(response.json.data),
  });
});

test('an ingester that is not ready says so', async () => {
  const { status, body } = await get('/api/v1/status/tsdb', {}, readersOf([], false));
  expect(status).toBe(500);
  expect(body).toBe('{"status":"error","errorType":"internal","error":"service unavailable"}');
});

test.each([
  ['', 10],
  ['7', 7],
  ['+7', 7],
  ['9223372036854775807', 2 ** 31 - 1],
])('a limit %p asks for %d rows', async (limit, rows) => {
  let asked: number | undefined;
  const reader = ingester.all()[0]!;
  const statistics: typeof reader.statistics = (count, pace) => {
    asked = count;
    return reader.statistics(count, pace);
  };
  await get(`/?all_tenants=true&limit=${encodeURIComponent(limit)}`, {}, readersOf([{ ...reader, statistics }]));
  expect(asked).toBe(rows);
});

test.each(['1.5', '0x10', ' 7', '9223372036854775808', '1e3'])('a limit %p is refused', async (limit) => {
  expect((await get(`/?limit=${encodeURIComponent(limit)}`, {})).status).toBe(400);
});
