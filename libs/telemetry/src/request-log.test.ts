import { type IncomingMessage } from 'node:http';
import { type Log } from '@gauntlet/base';
import { createRequestLog, parseRequestLogConfig } from './index.js';

function recorder(): { log: Log; lines: { level: string; message: string; fields: Record<string, unknown> }[] } {
  const lines: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, message, fields });
  return { log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }, lines };
}

function request(url: string, headers: Record<string, string> = {}): IncomingMessage {
  return {
    method: 'POST',
    url,
    headers,
    socket: { localPort: 19291, remoteAddress: '10.0.0.9' },
  } as unknown as IncomingMessage;
}

const all = 'options: {level: DEBUG, decision: {log_start: true, log_end: true}}';

test('without a config nothing is logged', () => {
  const { log, lines } = recorder();
  for (const config of [undefined, parseRequestLogConfig(''), parseRequestLogConfig('http: {config: [{path: /a}]}')]) {
    const requestLog = createRequestLog(config, log);
    requestLog.http(request('/a'))(500);
    expect(requestLog.grpc).toEqual({});
  }
  expect(lines).toEqual([]);
});

test('a request over HTTP has a line for its start and one for its end', () => {
  const { log, lines } = recorder();
  const end = createRequestLog(parseRequestLogConfig(all), log).http(
    request('/api/v1/receive?x=1', { 'x-request-id': 'abc', 'user-agent': 'Prometheus/3' }),
    'receive',
  );
  end(200);
  const fields = {
    protocol: 'http',
    'http.method': 'POST /api/v1/receive?x=1',
    'http.request_id': 'abc',
    'http.user_agent': 'Prometheus/3',
    'thanos.method_name': 'receive',
  };
  expect(lines).toMatchObject([
    { level: 'debug', message: 'started call', fields },
    {
      level: 'debug',
      message: 'finished call',
      fields: {
        ...fields,
        'http.status_code': 200,
        'http.time_ms': expect.any(Number),
        'http.remote_addr': '10.0.0.9',
      },
    },
  ]);
});

test('a call over gRPC has a line for its start and one for its end', () => {
  const { log, lines } = recorder();
  const { onCallStart, onCall } = createRequestLog(parseRequestLogConfig(all), log).grpc;
  onCallStart?.({ id: 7, path: '/thanos.Store/Series' });
  onCall?.({ id: 7, path: '/thanos.Store/Series', code: 'DEADLINE_EXCEEDED', seconds: 0.25 });
  const fields = { 'grpc.service': 'thanos.Store', 'grpc.method': 'Series', requestID: 7 };
  expect(lines).toMatchObject([
    { level: 'debug', message: 'started call', fields },
    {
      level: 'debug',
      message: 'finished call',
      fields: { ...fields, 'grpc.code': 'DeadlineExceeded', 'grpc.time_ms': 250 },
    },
  ]);
});

test.each<[yaml: string, http: number[], grpc: string[], written: string[]]>([
  // Ends are told at debug, or at error for what was our fault.
  [
    'options: {level: DEBUG, decision: {log_end: true}}',
    [200, 404, 503],
    ['OK', 'UNAVAILABLE', 'INTERNAL'],
    ['debug 200', 'debug 404', 'error 503', 'debug OK', 'debug Unavailable', 'error Internal'],
  ],
  [
    'options: {level: INFO, decision: {log_end: true}}',
    [200, 503],
    ['OK', 'DATA_LOSS'],
    ['error 503', 'error DataLoss'],
  ],
  [
    'options: {level: ERROR, decision: {log_start: true, log_end: true}}',
    [200, 503],
    ['OK', 'UNKNOWN'],
    ['error 503', 'error Unknown'],
  ],
  // What a protocol says itself takes the place of what is said for both.
  [`${all}\nhttp: {options: {level: ERROR, decision: {log_end: true}}}`, [200], ['CANCELLED'], ['debug Canceled']],
  ['grpc: {options: {level: DEBUG, decision: {log_end: true}}}', [500], ['OK'], ['debug OK']],
])('%j', (yaml, statuses, codes, written) => {
  const { log, lines } = recorder();
  const requestLog = createRequestLog(parseRequestLogConfig(yaml), log);
  for (const status of statuses) requestLog.http(request('/a'))(status);
  for (const code of codes) requestLog.grpc.onCall?.({ id: 1, path: '/a/B', code, seconds: 0 });
  expect(
    lines
      .filter(({ message }) => message === 'finished call')
      .map(({ level, fields }) => `${level} ${String(fields['http.status_code'] ?? fields['grpc.code'])}`),
  ).toEqual(written);
});

test('a list of paths or methods lets through nothing else', () => {
  const { log, lines } = recorder();
  const requestLog = createRequestLog(
    parseRequestLogConfig(
      `${all}\nhttp: {config: [{path: /a, port: 19291}, {path: /b, port: 80}, {path: /c}]}\ngrpc: {config: [{service: thanos.Store, method: Series}]}`,
    ),
    log,
  );
  // Behind a service the client knows another port than we do.
  for (const [url, host] of [
    ['/a', 'x:80'],
    ['/a?q=1', 'x'],
    ['/b', 'x:80'],
    ['/b', 'x:81'],
    ['/c', 'x'],
    ['/d', 'x'],
  ] as const)
    requestLog.http(request(url, { host }))(200);
  for (const path of ['/thanos.Store/Series', '/thanos.Store/LabelNames'])
    requestLog.grpc.onCall?.({ id: 1, path, code: 'OK', seconds: 0 });
  expect(
    lines
      .filter(({ message }) => message === 'finished call')
      .map(({ fields }) => fields['http.method'] ?? fields['grpc.method']),
  ).toEqual(['POST /a', 'POST /a?q=1', 'POST /b', 'POST /c', 'Series']);
});

test('what a client can write into a line is bounded, and a request without an id gets one', () => {
  const { log, lines } = recorder();
  createRequestLog(parseRequestLogConfig(all), log).http(request(`/${'a'.repeat(10_000)}`))(200);
  expect(String(lines[0]?.fields['http.method'])).toHaveLength('POST '.length + 512);
  expect(lines[0]?.fields['http.request_id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(lines[1]?.fields['http.request_id']).toBe(lines[0]?.fields['http.request_id']);
});

test.each([
  ['http: [', 'yaml: line 1: did not find expected node content'],
  ['nope: 1', 'field nope not found'],
  ['http: *b', 'yaml: an alias is unknown or expands too far'],
  ['http: {options: {nope: 1}}', 'field http.options.nope not found'],
  ['options: {level: debug}', 'the format of level is invalid. Expected INFO/DEBUG/ERROR/WARNING, got this debug'],
  ['options: {decision: {log_end: true}}', 'level field is empty'],
  [
    'grpc: {options: {level: INFO, decision: {log_start: true}}}',
    'log start call is not supported without log end call',
  ],
  ['http: {config: [{path: /a, port: x}]}', 'http.config.0.port: must be a port'],
  ['text', 'document: '],
])('a config %j is refused: %s', (yaml, message) =>
  expect(() => parseRequestLogConfig(yaml)).toThrow(`error while parsing config for request logging: ${message}`),
);
