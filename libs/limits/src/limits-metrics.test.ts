import { createRegistry } from '@gauntlet/telemetry';
import { collectLimitsMetrics, parseLimits } from './index.js';
import { HandClock } from './testing/hand-clock.js';

const clock = new HandClock();
function lab() {
  const registry = createRegistry({ withoutProcessMetrics: true });
  const observer = collectLimitsMetrics(registry, { clock });
  const samples = async (): Promise<string[]> =>
    (await registry.render('text')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { observer, samples };
}

test('limits have rows by tenant, which go with the configuration', async () => {
  const { observer, samples } = lab();
  const limitRows = async (): Promise<string[]> =>
    (await samples()).filter((line) => /_limits\{|series_limit\{/.test(line));
  observer.limitsChanged(
    parseLimits(
      'write: {default: {request: {series_limit: 5}}, tenants: {a: {request: {samples_limit: 3}}, b: {head_series_limit: 7}}}',
    ),
  );
  expect(await limitRows()).toEqual([
    'thanos_receive_write_limits{tenant="",limit="body_size"} 0',
    'thanos_receive_write_limits{tenant="",limit="series"} 5',
    'thanos_receive_write_limits{tenant="",limit="samples"} 0',
    'thanos_receive_write_limits{tenant="a",limit="body_size"} 0',
    'thanos_receive_write_limits{tenant="a",limit="series"} 5',
    'thanos_receive_write_limits{tenant="a",limit="samples"} 3',
    'thanos_receive_head_series_limit{tenant=""} 0',
    'thanos_receive_head_series_limit{tenant="a"} 0',
    'thanos_receive_head_series_limit{tenant="b"} 7',
  ]);
  observer.limitsChanged(parseLimits(''));
  expect((await limitRows()).length).toBe(4);
});

test('reloads, failures and refusals are counted', async () => {
  const { observer, samples } = lab();
  observer.configRead('applied');
  observer.configRead('failed');
  observer.headSeriesRefused('a');
  observer.metaMonitoringFailed();
  expect(await samples()).toEqual(
    expect.arrayContaining([
      'thanos_receive_limits_config_reload_total 2',
      'thanos_receive_limits_config_reload_err_total 1',
      'thanos_receive_head_series_limited_requests_total{tenant="a"} 1',
      'thanos_receive_metamonitoring_failed_queries_total 1',
    ]),
  );
});

test('hits are a summary of the last ten minutes, for a bounded number of tenants', async () => {
  const { observer, samples } = lab();
  for (let excess = 1; excess <= 100; excess += 1) observer.limitHit({ tenant: 'a', limit: 'series', excess });
  const hits = async (): Promise<string[]> => (await samples()).filter((line) => line.includes('_limits_hit'));
  const labels = 'tenant="a",limit="series"';
  expect(await hits()).toEqual([
    `thanos_receive_write_limits_hit{${labels},quantile="0.5"} 50`,
    `thanos_receive_write_limits_hit{${labels},quantile="0.95"} 95`,
    `thanos_receive_write_limits_hit{${labels},quantile="0.99"} 99`,
    `thanos_receive_write_limits_hit_sum{${labels}} 5050`,
    `thanos_receive_write_limits_hit_count{${labels}} 100`,
  ]);
  clock.advance(11 * 60_000);
  expect((await hits())[0]).toBe(`thanos_receive_write_limits_hit{${labels},quantile="0.5"} NaN`);
  for (let n = 0; n < 3000; n += 1) observer.limitHit({ tenant: `t${n}`, limit: 'series', excess: 1 });
  expect((await hits()).length).toBeLessThan(2010 * 5);
  expect(await hits()).toContainEqual(expect.stringMatching(/_hit_count\{tenant="_other",limit="series"\} 100\d/));
});

test('the gate has values while there is one', async () => {
  const { observer, samples } = lab();
  const gate = async (): Promise<string[]> =>
    (await samples()).filter((line) => /gate_write_requests_(max|in_flight|total) |seconds_count/.test(line));
  expect((await gate()).length).toBe(1); // An empty histogram.
  observer.limitsChanged(parseLimits('write: {global: {max_concurrency: 4}}'));
  observer.gateEntered(0.2);
  observer.gateEntered(0);
  observer.gateLeft();
  const prefix = 'thanos_receive_write_request_concurrent_gate_write_requests';
  expect(await gate()).toEqual([
    `${prefix}_max 4`,
    `${prefix}_in_flight 1`,
    `${prefix}_total 2`,
    `${prefix}_duration_seconds_count 2`,
  ]);
});
