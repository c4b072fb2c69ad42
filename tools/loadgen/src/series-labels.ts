export type LabelPair = readonly [name: string, value: string];

export const labelsPerSeriesMin = 3;
export const labelsPerSeriesMax = 64;
export const labelsPerSeriesDefault = 14;

/**
 * The labels of one generated series, sorted by name: what a Kubernetes scrape looks like, about 420 bytes at 14 labels.
 * The name, the handler and the pod together are different for every index, so the first three labels suffice to tell series apart.
 */
export function seriesLabels(index: number, labelCount: number): LabelPair[] {
  const target = Math.floor(index / seriesPerTarget);
  const within = index % seriesPerTarget;
  const all: LabelPair[] = [
    ['__name__', metricNames[within % metricNames.length] as string],
    ['handler', `/api/v1/accounts/{account}/orders/${scramble(index)}`],
    ['pod', `checkout-frontend-${scramble(target)}-${target.toString(36).padStart(5, 'x')}`],
    ['instance', `10.${(target >> 16) & 255}.${(target >> 8) & 255}.${target & 255}:8443`],
    ['job', 'checkout/checkout-frontend-metrics'],
    ['namespace', `team-${target % 23}-production`],
    ['container', 'checkout-frontend'],
    ['cluster', `production-${target % 3}-eu-central`],
    ['node', `ip-10-0-${target % 251}-${target % 241}.eu-central-1.compute.internal`],
    ['code', statusCodes[within % statusCodes.length] as string],
    ['endpoint', 'https-metrics'],
    ['service', 'checkout-frontend-metrics'],
    ['prometheus', 'monitoring/production-shared-main'],
    ['region', 'eu-central-1'],
  ];
  for (let extra = all.length; extra < labelCount; extra++)
    all.push([`label_${String(extra).padStart(2, '0')}`, `value-${extra}-${target % 7}`]);
  return all.slice(0, labelCount).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Eight digits that look random and differ for every number below 2^32, since an odd factor only permutes them. */
const scramble = (value: number): string => (Math.imul(value + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');

/** How many series one generated pod exposes. */
const seriesPerTarget = 12;
const metricNames = [
  'http_request_duration_seconds_bucket',
  'http_request_duration_seconds_count',
  'http_request_duration_seconds_sum',
  'http_requests_total',
  'grpc_server_handled_total',
  'grpc_server_msg_received_total',
  'process_cpu_seconds_total',
  'go_memstats_heap_inuse_bytes',
  'container_network_transmit_bytes_total',
  'workqueue_queue_duration_seconds_bucket',
];
const statusCodes = ['200', '201', '204', '400', '404', '500', '503'];
