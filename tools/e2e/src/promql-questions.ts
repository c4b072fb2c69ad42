import { stepMs } from './queried-samples.js';
import type { Question } from './promql-answers.js';

/** What Thanos answers otherwise with its own ingesters as well is not among these. */
const expressions: readonly string[] = [
  '{__name__=~".+"}',
  'http_requests_total',
  'http_requests_total{code!="200"}',
  'http_requests_total{code=~"5..",job!~"w.*"}',
  'http_requests_total{missing=""}',
  'http_requests_total{tenant_id="other"}',
  '{tenant_id=~"oth.*",job="api"}',
  '{__name__=~"http.*|temp.*",instance=~"i1|"}',
  'rate(http_requests_total[1m])',
  'increase(http_requests_total[5m])',
  'irate(http_requests_total[2m])',
  'changes(temperature[5m])',
  'sum by (job, code) (rate(http_requests_total[2m]))',
  'sum without (instance, tenant_id) (http_requests_total)',
  'sum by (tenant_id) (increase(http_requests_total[10m]))',
  'avg_over_time(temperature[3m])',
  'count_over_time({__name__=~".+"}[90s])',
  'present_over_time(temperature[45s])',
  'absent(temperature{room="none"})',
  'absent(temperature{room="attic"})',
  'absent_over_time(passing{part="begin"}[2m])',
  'count_values("value", round(temperature))',
  'label_replace(temperature, "first", "$1", "room", "(.).*")',
  'label_join(http_requests_total, "where", "-", "job", "instance")',
  'topk(3, temperature)',
  'bottomk by (tenant_id) (2, temperature)',
  'quantile(0.3, temperature)',
  'max_over_time(rate(http_requests_total[1m])[5m:30s])',
  'min_over_time(sum(temperature)[4m:15s])',
  'rate(http_requests_total[2m] offset 3m)',
  'temperature offset -1m',
  'http_requests_total @ start()',
  'sum(http_requests_total @ end()) by (job)',
  'http_requests_total / on (job, instance, tenant_id) group_left http_requests_total{code="200"}',
  'http_requests_total{code="500"} > bool 10',
  'temperature > 50 or passing',
  'temperature unless temperature{room=~"[a-c].*"}',
  'passing and ignoring (part) passing{part="middle"}',
  'timestamp(temperature)',
  'sort_desc(temperature)',
  'group by (room) (temperature)',
  'stddev by (tenant_id) (temperature)',
  'deriv(temperature[3m])',
  'predict_linear(temperature[3m], 60)',
  'histogram_quantile(0.9, rate(classic_seconds_bucket[2m]))',
  'latency_seconds',
  'rate(latency_seconds[2m])',
  'increase(latency_seconds[10m])',
  'sum by (tenant_id) (rate(latency_seconds[3m]))',
  'histogram_quantile(0.9, rate(latency_seconds[2m]))',
  'histogram_quantile(0.5, sum(rate(latency_seconds[5m])))',
  'histogram_count(latency_seconds)',
  'histogram_sum(rate(latency_seconds[2m]))',
  'histogram_avg(latency_seconds)',
  'histogram_fraction(0, 2, latency_seconds)',
  'histogram_stddev(latency_seconds)',
  'resets(latency_seconds[10m])',
  'weight',
  'rate(weight[2m])',
  'histogram_quantile(0.1, sum by (job) (rate(weight[4m])))',
  'size_bytes',
  'increase(size_bytes[5m])',
  'histogram_quantile(0.9, sum(rate(size_bytes[3m])))',
  'queue',
  'delta(queue[2m])',
  'avg_over_time(queue[2m])',
  'histogram_quantile(0.5, sum(queue))',
  'last_over_time(latency_seconds[1m])',
  'late_total',
  'rate(late_total[1m])',
  'count_over_time(late_total[5m])',
  'late_seconds',
  'histogram_count(increase(late_seconds[2m]))',
  'late_weight',
  'histogram_sum(rate(late_weight[2m]))',
  'vector(1) + on () group_right count(temperature)',
  'nothing',
];

/**
 * Asked without deduplication, which goes on at the last value of a replica where it changes to another one: of counters that start anew it hides
 * some restarts, with Thanos' own ingesters as well. It hides all of them from `resets` in any case, which is therefore asked of histograms only.
 */
const restarts: readonly string[] = [
  'max without (replica, prometheus_replica) (rate(restarts_total[1m]))',
  'max without (replica, prometheus_replica) (increase(restarts_total[6m]))',
  'max without (replica, prometheus_replica) (irate(restarts_total[2m]))',
];

/** Raw samples, which are answered as they are stored. */
const ranges: readonly string[] = [
  'http_requests_total[20m]',
  'temperature[20m]',
  '{__name__=~"l.*|w.*|s.*|q.*|p.*"}[20m]',
];

const matcherLists: readonly (readonly string[])[] = [
  ['{__name__=~".+"}'],
  ['temperature'],
  ['http_requests_total{code="500"}'],
  ['temperature{room=~".*c.*"}', 'queue'],
  // A matcher of an external label alone is refused by each Thanos.
  ['{tenant_id="other",__name__!=""}'],
  ['{job!="api",__name__!=""}'],
  ['passing{part="begin"}'],
  ['nothing'],
];

/** What is asked about twenty minutes: at a few times, over ranges with steps on and beside the samples, and about labels. */
export function questions({ startMs, endMs }: { startMs: number; endMs: number }): Question[] {
  const seconds = (ms: number): string => String(ms / 1000);
  const instants = [startMs + 13 * stepMs + 1234, (startMs + endMs) / 2, endMs];
  const whole = [
    ['start', seconds(startMs)],
    ['end', seconds(endMs)],
  ] as const;
  const early = [
    ['start', seconds(startMs)],
    ['end', seconds(startMs + 2 * stepMs)],
  ] as const;
  const steps = [
    ['15', whole],
    [
      '47',
      [
        ['start', seconds(startMs - 100_001)],
        ['end', seconds(endMs + 100_000)],
      ],
    ],
  ] as const;
  const matched = (matchers: readonly string[]) => matchers.map((matcher) => ['match[]', matcher] as const);
  return [
    ...expressions.flatMap((query) => [
      ...instants.map((at) => ({
        path: 'query',
        params: [
          ['query', query],
          ['time', seconds(at)],
        ] as const,
      })),
      ...steps.map(([step, range]) => ({
        path: 'query_range',
        params: [['query', query], ['step', step], ...range] as const,
      })),
    ]),
    ...restarts.flatMap((query) =>
      steps.map(([step, range]) => ({
        path: 'query_range',
        params: [['query', query], ['dedup', 'false'], ['step', step], ...range] as const,
      })),
    ),
    ...ranges.map((query) => ({
      path: 'query',
      params: [
        ['query', query],
        ['time', seconds(endMs)],
      ] as const,
    })),
    ...matcherLists.flatMap((matchers) => [
      { path: 'series', params: [...matched(matchers), ...whole] },
      { path: 'labels', params: [...matched(matchers), ...whole] },
      { path: 'label/job/values', params: [...matched(matchers), ...whole] },
      { path: 'label/room/values', params: [...matched(matchers), ...whole] },
      { path: 'label/__name__/values', params: [...matched(matchers), ...whole] },
      { path: 'label/tenant_id/values', params: [...matched(matchers), ...whole] },
    ]),
    ...['labels', 'label/room/values', 'label/part/values', 'label/none/values', 'label/tenant_id/values'].map(
      (path) => ({
        path,
        params: whole,
      }),
    ),
    { path: 'series', params: [...matched(['{__name__=~".+"}']), ...early] },
    ...['{__name__=~".+"}', 'http_requests_total{job="api"}', 'latency_seconds', 'temperature', '{job="web"}'].map(
      (query) => ({
        path: 'query_exemplars',
        params: [['query', query], ...whole] as const,
      }),
    ),
  ];
}
