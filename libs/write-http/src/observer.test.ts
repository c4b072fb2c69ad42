import { createRegistry } from '@gauntlet/telemetry';
import { isUlid } from '@gauntlet/model';
import { writeMetrics } from './index.js';
import { oneSeries, runListener, send } from './testing/run-listener.js';

async function metricsAfter(work: (port: number) => Promise<unknown>, options = {}): Promise<string[]> {
  const registry = createRegistry();
  const { stop, port } = await runListener({ observer: writeMetrics(registry), ...options });
  await work(port);
  await stop();
  return (await registry.render('text')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('requests are counted by their handler, code and tenant', async () => {
  const lines = await metricsAfter(async (port) => {
    await send(port, { body: oneSeries, headers: { 'thanos-tenant': 'a' } });
    await send(port, { body: Buffer.from('x'), headers: { 'thanos-tenant': 'a' } });
    await send(port, { body: oneSeries, headers: { 'thanos-tenant': '..' } });
    await send(port, { method: 'GET', path: '/api/v1/status/tsdb' });
    await send(port, { method: 'GET', path: '/elsewhere' });
  });
  const sizes = 'http_request_size_bytes_sum{code="200",handler="receive",method="post",tenant="a"}';
  expect(lines.filter((line) => line.startsWith('http_requests_total')).sort()).toEqual([
    'http_requests_total{code="200",handler="receive",method="post",tenant="a"} 1',
    'http_requests_total{code="200",handler="tsdb_status",method="get",tenant="default-tenant"} 1',
    'http_requests_total{code="400",handler="receive",method="post",tenant=""} 1',
    'http_requests_total{code="400",handler="receive",method="post",tenant="a"} 1',
  ]);
  expect(lines).toContain(`${sizes} ${oneSeries.length}`);
  expect(lines).toContain('http_inflight_requests{handler="receive",method="POST",tenant="a"} 0');
  expect(lines).toContain('thanos_receive_write_samples_sum{code="200",tenant="a"} 1');
  expect(lines).toContain('thanos_receive_write_timeseries_count{code="200",tenant="a"} 1');
});

test('tenants beyond the bound share one name', async () => {
  const lines = await metricsAfter(
    async (port) => {
      for (const tenant of ['a', 'b', 'c', 'd', 'a'])
        await send(port, { body: oneSeries, headers: { 'thanos-tenant': tenant } });
    },
    { tenantLabelsMax: 2 },
  );
  const counts = lines
    .filter((line) => line.startsWith('http_requests_total'))
    .map((line) => /tenant="(.*)"} (\d)/.exec(line)!.slice(1));
  expect(counts.sort()).toEqual([
    ['_other', '2'],
    ['a', '2'],
    ['b', '1'],
  ]);
  expect(lines).toContain('thanos_receive_write_samples_count{code="200",tenant="_other"} 2');
});

test('the buckets of durations reach as far as the deadline', async () => {
  const registry = createRegistry();
  writeMetrics(registry, { timeoutMs: 10_000 }).requestFinished({
    handler: 'receive',
    method: 'POST',
    tenant: 'a',
    status: 200,
    seconds: 8,
    requestBytes: 1,
    responseBytes: 0,
  });
  const bounds = [...(await registry.render('text')).matchAll(/duration_seconds_bucket{.*le="(.*?)"/g)].map(
    ([, le]) => le,
  );
  expect(bounds.slice(-4)).toEqual(['5', '7', '9', '+Inf']);
});

test('each request has an id for the log: its own, or a ULID', async () => {
  const lines: unknown[][] = [];
  const { stop, port } = await runListener({
    requestLog: (request, handler) => (status) => lines.push([request.headers['x-request-id'], handler, status]),
  });
  await send(port, { body: oneSeries, headers: { 'x-request-id': 'mine' } });
  await send(port, { body: Buffer.from('x') });
  await stop();
  expect(lines[0]).toEqual(['mine', 'receive', 200]);
  expect(lines[1]!.slice(1)).toEqual(['receive', 400]);
  expect(isUlid(lines[1]![0] as string)).toBe(true);
});
