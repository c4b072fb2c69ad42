/** What a target tells of a metric, with the type as remote write numbers it. */
export interface SeriesMetadata {
  readonly type: number;
  readonly help: string;
}

/** Of a generated series by its name; nothing is known of any other one. Series of a histogram share what is told of it. */
export function seriesMetadata(name: string): SeriesMetadata {
  return known.get(name) ?? unknown;
}

const counter = 1;
const gauge = 2;
const histogram = 3;
const unknown: SeriesMetadata = { type: 0, help: '' };
const known = new Map<string, SeriesMetadata>([
  ...['bucket', 'count', 'sum'].map((part): [string, SeriesMetadata] => [
    `http_request_duration_seconds_${part}`,
    { type: histogram, help: 'Time from the first byte of a request to the last one of its answer.' },
  ]),
  ['http_requests_total', { type: counter, help: 'Requests that were answered, by status code.' }],
  [
    'grpc_server_handled_total',
    { type: counter, help: 'Total number of RPCs completed on the server, regardless of success or failure.' },
  ],
  [
    'grpc_server_msg_received_total',
    { type: counter, help: 'Total number of RPC stream messages received on the server.' },
  ],
  ['process_cpu_seconds_total', { type: counter, help: 'Total user and system CPU time spent in seconds.' }],
  ['go_memstats_heap_inuse_bytes', { type: gauge, help: 'Number of heap bytes that are in use.' }],
  [
    'container_network_transmit_bytes_total',
    { type: counter, help: 'Cumulative count of bytes transmitted by the container.' },
  ],
  [
    'workqueue_queue_duration_seconds_bucket',
    { type: histogram, help: 'How long in seconds an item stays in workqueue before being requested.' },
  ],
]);
