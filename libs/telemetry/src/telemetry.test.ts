import { get, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import {
  collectCounter,
  collectGauge,
  createCounter,
  createHistogram,
  createLogger,
  createRegistry,
  parseListenAddress,
  startProbeServer,
} from './index.js';

describe('logs', () => {
  function capture(format: 'logfmt' | 'json', level: 'info' | 'debug' = 'info') {
    const lines: string[] = [];
    return { lines, logger: createLogger({ level, format, component: 'router', write: (line) => lines.push(line) }) };
  }

  test('a logfmt line has time, level, fields and a message, quoted where needed', () => {
    const { lines, logger } = capture('logfmt');
    logger.with({ tenant: 'a' }).info('WAL replayed', { segments: 3, error: new Error('disk "x" full'), empty: '' });
    expect(lines).toEqual([
      expect.stringMatching(
        /^ts=\d{4}-\d\d-\d\dT[\d:.]+Z level=info component=router tenant=a segments=3 error="disk \\"x\\" full" empty= msg="WAL replayed"\n$/,
      ),
    ]);
  });

  test('a json line is one object', () => {
    const { lines, logger } = capture('json');
    logger.warn('slow', { series: 10n });
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'warn', msg: 'slow', component: 'router', series: '10' });
  });

  test('lines below the level are not written', () => {
    const { lines, logger } = capture('logfmt');
    logger.debug('detail');
    expect(lines).toEqual([]);
  });
});

test.each([
  ['0.0.0.0:10902', { host: '0.0.0.0', port: 10902 }],
  [':19291', { host: '', port: 19291 }],
  ['[::1]:80', { host: '::1', port: 80 }],
])('listen address %s is read', (text, address) => expect(parseListenAddress(text)).toMatchObject(address));

test.each([
  ['nonsense', 'listen tcp: address nonsense: missing port in address'],
  ['127.0.0.1:99999', 'listen tcp: address 99999: invalid port'],
  ['a:b:1', 'listen tcp: address a:b:1: too many colons in address'],
  ['[::1]', 'listen tcp: address [::1]: missing port in address'],
  ['h:what', 'listen tcp: lookup tcp/what: unknown port'],
])('listen address %s is refused in the words of Thanos', (text, message) =>
  expect(() => parseListenAddress(text)).toThrow(message),
);

describe('metrics', () => {
  test('counters, gauges and histograms render as text and as OpenMetrics', async () => {
    const registry = createRegistry({ withoutProcessMetrics: true });
    let stored = 1;
    collectCounter(registry, {
      name: 'writes_total',
      help: 'Writes.',
      labelNames: ['result'],
      read: () => [{ labels: { result: 'a"b' }, value: stored }],
    });
    collectGauge(registry, { name: 'ready', help: 'Ready.', read: () => 1 });
    createHistogram(registry, { name: 'seconds', help: 'Time.', buckets: [0.1, 1] })
      .cell()
      .observe(0.5);
    stored = 7;
    expect(await registry.render('text')).toBe(
      '# HELP writes_total Writes.\n# TYPE writes_total counter\nwrites_total{result="a\\"b"} 7\n# HELP ready Ready.\n# TYPE ready gauge\nready 1\n' +
        '# HELP seconds Time.\n# TYPE seconds histogram\nseconds_bucket{le="0.1"} 0\nseconds_bucket{le="1"} 1\nseconds_bucket{le="+Inf"} 1\nseconds_sum 0.5\nseconds_count 1\n',
    );
    expect(await registry.render('openmetrics')).toMatch(
      /^# HELP writes Writes\.\n# TYPE writes counter\nwrites_total\{[^]*# EOF\n$/,
    );
  });

  test('label sets beyond the bound share one cell', async () => {
    const registry = createRegistry({ withoutProcessMetrics: true });
    const counter = createCounter(registry, { name: 'x_total', help: 'X.', labelNames: ['tenant'], cellsMax: 1 });
    for (const tenant of ['a', 'b', 'c']) counter.cell(tenant).value += 1;
    expect(await registry.render('text')).toContain('x_total{tenant="a"} 1\nx_total{tenant="_other"} 2\n');
  });

  test('the process itself is measured under the names that dashboards know', async () => {
    expect(await createRegistry().render('text')).toMatch(/^process_resident_memory_bytes \d/m);
  });
});

describe('probes', () => {
  test('healthy, ready, metrics and unknown paths answer as recorded', async () => {
    let ready = false;
    const notes: string[] = [];
    const server = await startProbeServer({
      address: '127.0.0.1:0',
      registry: createRegistry(),
      ready: () => ready,
      readyNotes: () => notes,
    });
    const text = { 'content-type': 'text/plain; charset=utf-8' };
    expect(await fetchText(server.port, '/-/healthy')).toMatchObject({ status: 200, body: 'OK', headers: text });
    expect(await fetchText(server.port, '/-/ready')).toMatchObject({ status: 503, body: 'NOT OK\n', headers: text });
    notes.push('the disk is full');
    expect(await fetchText(server.port, '/-/ready')).toMatchObject({ status: 503, body: 'NOT OK\nthe disk is full\n' });
    ready = true;
    expect(await fetchText(server.port, '/-/ready?verbose')).toMatchObject({
      status: 200,
      body: 'OK\nthe disk is full\n',
    });
    expect(await fetchText(server.port, '/-/ready')).toMatchObject({ status: 200, body: 'OK' });
    expect(await fetchText(server.port, '/api/v1/receive')).toMatchObject({
      status: 404,
      body: '404 page not found\n',
      headers: { ...text, 'x-content-type-options': 'nosniff' },
    });
    const metrics = await fetchText(server.port, '/metrics');
    expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8; escaping=underscores');
    expect(metrics.body).toContain('thanos_status{check="ready",component="receive"} 1\n');
    const open = await fetchText(server.port, '/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
    expect(open.headers['content-type']).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores',
    );
    expect(open.body).toMatch(/# EOF\n$/);
    await server.stop(100);
  });

  test('a busy port is one line that says which', async () => {
    const busy = createServer();
    const port = await new Promise<number>((resolve) =>
      busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
    );
    await expect(
      startProbeServer({ address: `127.0.0.1:${port}`, registry: createRegistry(), ready: () => true }),
    ).rejects.toThrow(`serve HTTP and metrics: listen tcp 127.0.0.1:${port}: bind: address already in use`);
    await new Promise((resolve) => busy.close(resolve));
  });
});

function fetchText(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    }).on('error', reject);
  });
}
