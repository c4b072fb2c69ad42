import { forEachMutation } from '@gauntlet/base/testing';
import { LimitsConfigError, parseLimits } from './index.js';

const client = 'write: {global: {meta_monitoring_http_client: ';
const clientField = 'field write.global.meta_monitoring_http_client';

const faults: readonly [yaml: string, reason: string][] = [
  ['write: [', 'yaml: line 1: did not find expected node content'],
  ['write: {}\nwrite: {}', 'yaml: line 2: duplicate key'],
  ['[]', 'document must be a mapping'],
  ['text', 'document must be a mapping'],
  ['nope: 1', 'field nope not found'],
  ['write: {nope: 1}', 'field write.nope not found'],
  ['write: {default: {request: {nope: 1}}}', 'field write.default.request.nope not found'],
  ['write: {tenants: {a: {nope: 1}}}', 'field write.tenants.a.nope not found'],
  ['write: {tenants: {a: 1}}', 'field write.tenants.a must be a mapping'],
  ['write: {tenants: [a]}', 'field write.tenants must be a mapping'],
  [
    'write: {default: {request: {series_limit: 1.5}}}',
    'field write.default.request.series_limit must be a whole number',
  ],
  [
    'write: {default: {request: {series_limit: [1]}}}',
    'field write.default.request.series_limit must be a single value',
  ],
  ['write: {default: {head_series_limit: -1}}', 'field write.default.head_series_limit must not be negative'],
  [
    'write: {default: {rate: {samples_per_second: -1}}}',
    'field write.default.rate.samples_per_second must not be negative',
  ],
  [
    'write: {global: {samples_limit_counts_histograms: 1}}',
    'field write.global.samples_limit_counts_histograms must be true or false',
  ],
  [
    `${client}{proxy_url: "http://user:secret@p"}}}`,
    `${clientField}.proxy_url is not supported: meta-monitoring must be reachable without a proxy`,
  ],
  [
    `${client}{basic_auth: {password: secret, password_file: f}}}}`,
    `${clientField}.basic_auth has both password and password_file`,
  ],
  [
    `${client}{bearer_token: secret, bearer_token_file: f}}}`,
    `${clientField} has both bearer_token and bearer_token_file`,
  ],
  [
    `${client}{bearer_token: secret, basic_auth: {username: u}}}}`,
    `${clientField} has both basic_auth and a bearer token`,
  ],
  [
    `${client}{tls_config: {cert_file: f}}}}`,
    `${clientField}.tls_config needs both cert_file and key_file, or neither`,
  ],
  [
    `${client}{tls_config: {insecure_skip_verify: secret}}}}`,
    `${clientField}.tls_config.insecure_skip_verify must be true or false`,
  ],
  [`${client}{bearer_token: [secret]}}}`, `${clientField}.bearer_token must be a single value`],
  [`${client}{oauth2: {}}}}`, `${clientField}.oauth2 not found`],
  ...['not-a-url', 'ftp://secret', '/path', '"http://"'].map((url): [string, string] => [
    `write: {global: {meta_monitoring_url: ${url}}}`,
    'field write.global.meta_monitoring_url is not a valid meta-monitoring URL (http or https, and a host)',
  ]),
];

test.each(faults)('%s is refused', (yaml, reason) => {
  let refused: unknown;
  try {
    parseLimits(yaml);
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(LimitsConfigError);
  expect(refused).toMatchObject({
    kind: 'rejected',
    code: 'LIMITS_CONFIG_INVALID',
    message: `Cannot parse limits configuration: ${reason}`,
  });
  expect((refused as Error).message).not.toContain('secret');
});

test('an empty document limits nothing', () => {
  for (const yaml of ['', '# nothing', 'write:', 'write: {default: , tenants: , global: }']) {
    const config = parseLimits(yaml);
    expect(config.default).toEqual({
      request: { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 },
      headSeriesMax: 0,
      rate: { samplesPerSecond: 0, burst: 0 },
      activeSeriesMax: 0,
    });
    expect(config).toMatchObject({ concurrencyMax: 0, samplesLimitCountsHistograms: false, metaMonitoring: undefined });
    expect(config.tenants.size).toBe(0);
  }
});

test('our own limits are inherited key by key, and a rate brings its own burst', () => {
  const { default: base, tenants } = parseLimits(`
write:
  global: {samples_limit_counts_histograms: true}
  default: {rate: {samples_per_second: 100, burst: 500}, active_series_limit: 9}
  tenants:
    nothing:
    burst: {rate: {burst: 50}}
    rate: {rate: {samples_per_second: 20}}
    none: {rate: {samples_per_second: 0}, active_series_limit: 0}
    both: {rate: {samples_per_second: 20, burst: 30}, active_series_limit: 3}
    __proto__: {active_series_limit: 4}
`);
  const of = (tenant: string): number[] => {
    const { rate, activeSeriesMax } = tenants.get(tenant)!;
    return [rate.samplesPerSecond, rate.burst, activeSeriesMax];
  };
  expect(base.rate).toEqual({ samplesPerSecond: 100, burst: 500 });
  expect(of('nothing')).toEqual([100, 500, 9]);
  expect(of('burst')).toEqual([100, 50, 9]);
  expect(of('rate')).toEqual([20, 20, 9]);
  expect(of('none')[0]).toBe(0);
  expect(of('none')[2]).toBe(0);
  expect(of('both')).toEqual([20, 30, 3]);
  expect(of('__proto__')).toEqual([100, 500, 4]);
});

test('meta-monitoring is asked only where a limit of series needs it', () => {
  const url = 'meta_monitoring_url: "http://meta:9090/prefix"';
  expect(parseLimits(`write: {global: {${url}}}`).metaMonitoring).toBeUndefined();
  expect(parseLimits('write: {default: {head_series_limit: 1}}').metaMonitoring).toBeUndefined();
  const { metaMonitoring } = parseLimits(
    `write: {global: {${url}, meta_monitoring_http_client: {basic_auth: {username: u, password: 007}}}, tenants: {a: {head_series_limit: 1}}}`,
  );
  expect(metaMonitoring).toMatchObject({
    url: 'http://meta:9090/prefix',
    query: 'sum(prometheus_tsdb_head_series) by (tenant)',
    client: { username: 'u', password: '007' },
  });
});

test('damaged documents are read or refused, never more', async () => {
  const good = Buffer.from(`write:
  global: {max_concurrency: 4, meta_monitoring_url: "http://m", meta_monitoring_http_client: {basic_auth: {username: u, password_file: p}, tls_config: {ca_file: c}}}
  default: &d
    request: {size_bytes_limit: 1000, series_limit: 5, samples_limit: 8}
    head_series_limit: 10
  tenants:
    a: *d
    "b c": {<<: *d, rate: {samples_per_second: 5, burst: 10}, active_series_limit: 7}
`);
  expect(parseLimits(good.toString()).tenants.size).toBe(2);
  await forEachMutation(good, { count: 1500 }, ({ bytes }) => {
    try {
      parseLimits(bytes.toString('utf8'));
    } catch (error) {
      if (!(error instanceof LimitsConfigError)) throw error;
    }
  });
});
