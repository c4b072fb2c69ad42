import type { Clock } from '@gauntlet/base';
import {
  collectGauge,
  createCounter,
  createHistogram,
  type MetricRegistry,
  type MetricSample,
} from '@gauntlet/telemetry';
import type { LimitsObserver } from './observer.js';
import { RecentValues } from './recent-values.js';

const gatePrefix = 'thanos_receive_write_request_concurrent_gate_write_requests';
const waitSeconds = [0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120, 240, 360, 720];

/** Tenants that are refused come from clients: beyond these many their numbers share one row. */
const tenantCellsMax = 2000;
const quantiles = [0.5, 0.95, 0.99];

/** Metrics of the limits under the names that dashboards know (spec/receive.md 9.1). Those of the gate have values while there is a gate. */
export function collectLimitsMetrics(registry: MetricRegistry, { clock }: { readonly clock: Clock }): LimitsObserver {
  const reloads = createCounter(registry, {
    name: 'thanos_receive_limits_config_reload_total',
    help: 'Times that new limits were read.',
  }).cell();
  const reloadErrors = createCounter(registry, {
    name: 'thanos_receive_limits_config_reload_err_total',
    help: 'Times that new limits could not be used.',
  }).cell();
  const headSeriesRefusals = createCounter(registry, {
    name: 'thanos_receive_head_series_limited_requests_total',
    help: 'Writes refused because the tenant has too many series.',
    labelNames: ['tenant'],
    cellsMax: tenantCellsMax,
  });
  const queryFailures = createCounter(registry, {
    name: 'thanos_receive_metamonitoring_failed_queries_total',
    help: 'Queries of meta-monitoring that failed.',
  }).cell();
  const hits = registerHits(registry, clock);

  let requestLimits: MetricSample[] = [];
  let headSeriesLimits: MetricSample[] = [];
  collectGauge(registry, {
    name: 'thanos_receive_write_limits',
    help: 'Limits of one write by tenant; that of all others has an empty name. 0 is no limit.',
    labelNames: ['tenant', 'limit'],
    read: () => requestLimits,
  });
  collectGauge(registry, {
    name: 'thanos_receive_head_series_limit',
    help: 'Limits of series by tenant; that of all others has an empty name. 0 is no limit.',
    labelNames: ['tenant'],
    read: () => headSeriesLimits,
  });

  const gate = { max: 0, inFlight: 0, total: 0 };
  const whenOpen = (read: () => number) => () => (gate.max === 0 ? [] : [{ value: read() }]);
  collectGauge(registry, {
    name: `${gatePrefix}_max`,
    help: 'Writes that may work at a time.',
    read: whenOpen(() => gate.max),
  });
  collectGauge(registry, {
    name: `${gatePrefix}_in_flight`,
    help: 'Writes that have passed the gate and are not done.',
    read: whenOpen(() => gate.inFlight),
  });
  registry.register({
    name: `${gatePrefix}_total`,
    help: 'Writes that have passed the gate.',
    type: 'counter',
    read: whenOpen(() => gate.total),
  });
  const waits = createHistogram(registry, {
    name: `${gatePrefix}_duration_seconds`,
    help: 'Time that a write waited at the gate.',
    buckets: waitSeconds,
  }).cell();

  return {
    configRead(result) {
      reloads.value += 1;
      if (result === 'failed') reloadErrors.value += 1;
    },
    limitsChanged(config) {
      gate.max = config.concurrencyMax;
      const rows = [['', config.default] as const, ...config.tenants];
      headSeriesLimits = rows.map(([tenant, limits]) => ({ labels: { tenant }, value: limits.headSeriesMax }));
      requestLimits = rows
        .filter(([tenant]) => tenant === '' || config.tenantsWithRequest.has(tenant))
        .flatMap(([tenant, { request }]) => [
          { labels: { tenant, limit: 'body_size' }, value: request.bodyBytesMax },
          { labels: { tenant, limit: 'series' }, value: request.seriesMax },
          { labels: { tenant, limit: 'samples' }, value: request.samplesMax },
        ]);
    },
    limitHit: ({ tenant, limit, excess }) => hits(tenant, limit).add(excess),
    headSeriesRefused: (tenant) => void (headSeriesRefusals.cell(tenant).value += 1),
    metaMonitoringFailed: () => void (queryFailures.value += 1),
    gateEntered(waitedSeconds) {
      gate.inFlight += 1;
      if (gate.max === 0) return;
      gate.total += 1;
      waits.observe(waitedSeconds);
    },
    gateLeft: () => void (gate.inFlight -= 1),
  };
}

function registerHits(registry: MetricRegistry, clock: Clock): (tenant: string, limit: string) => RecentValues {
  const rows = new Map<string, { labels: { tenant: string; limit: string }; values: RecentValues }>();
  const rowOf = (tenant: string, limit: string): RecentValues => {
    const known = rows.get(`${limit}\0${tenant}`);
    if (known) return known.values;
    if (rows.size >= tenantCellsMax && tenant !== '_other') return rowOf('_other', limit);
    const values = new RecentValues(() => clock.monotonicMs());
    rows.set(`${limit}\0${tenant}`, { labels: { tenant, limit }, values });
    return values;
  };
  registry.register({
    name: 'thanos_receive_write_limits_hit',
    help: 'How much above a limit refused writes were, over the last ten minutes.',
    type: 'summary',
    *read() {
      for (const { labels, values } of rows.values()) {
        for (const [at, value] of values.quantiles(quantiles).entries())
          yield { labels: { ...labels, quantile: String(quantiles[at]) }, value };
        yield { suffix: '_sum', labels, value: values.sum };
        yield { suffix: '_count', labels, value: values.count };
      }
    },
  });
  return rowOf;
}
