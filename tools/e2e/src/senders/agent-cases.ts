import { labelsOf, type Family } from './scrape-target.js';

type Labels = Readonly<Record<string, string>>;

/** A target of a configuration: where it is told to be, and what its series are labelled with. */
export interface AgentTarget {
  readonly host: string;
  readonly labels: Labels;
  readonly isSecure?: true;
}

export interface AgentCase {
  /** Name of the file, without ending. */
  readonly file: string;
  /** Told apart from the series of other agents by a label; a pair shares one, as it shares everything but its label `replica`. */
  readonly agent: string;
  readonly targets: readonly AgentTarget[];
  readonly external: Labels;
  /** Which tenants get which series of the targets. */
  readonly tenants: Readonly<Record<string, (series: Labels) => boolean>>;
  /** Whether exemplars are sent as well. */
  readonly exemplars?: true;
}

/** A series of a target and its value in each scrape; undefined where the scrape itself gives it. */
export interface ServedSeries {
  readonly labels: Labels;
  readonly valueAt: ((round: number) => number) | undefined;
}

const served: readonly (readonly [name: string, labels: Labels])[] = [
  ...['tenant-a-shop', 'tenant-b-shop', 'test-shop', 'dev-shop', 'tmp-shop', 'shop'].map(
    (namespace) => ['app_requests_total', { namespace }] as const,
  ),
  ['go_memstats_alloc_bytes', {}],
  ['go_gc_duration_seconds', { quantile: '0.5' }],
  ['process_cpu_seconds_total', {}],
  ['node_load1', {}],
];
const valueAt = (index: number) => (round: number) => round + index / 16;

/** Made by each scrape. */
const ownSeries = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
];

/** What every target shows. */
export const agentFamilies = (round: number): Family[] =>
  served.map(([name, labels], index) => ({
    name,
    type: index === 0 ? 'COUNTER' : 'UNTYPED',
    help: `Series ${index}.`,
    metric: [
      index === 0
        ? {
            label: labelsOf(labels),
            counter: {
              value: valueAt(index)(round),
              exemplar: { label: labelsOf({ trace_id: `t${round}` }), value: round },
            },
          }
        : { label: labelsOf(labels), untyped: { value: valueAt(index)(round) } },
    ],
  }));

/** All series of a target, as an agent writes them down. */
export const targetSeries = ({ agent, external }: AgentCase, { labels: own }: AgentTarget): ServedSeries[] => [
  ...served.map(([name, labels], index) => ({
    labels: { __name__: name, ...external, ...labels, ...own, agent },
    valueAt: valueAt(index),
  })),
  ...ownSeries.map((name) => ({
    labels: { __name__: name, ...external, ...own, agent },
    valueAt: undefined,
  })),
];

const nodeExporter: AgentTarget = {
  host: 'node-exporter:9100',
  labels: { job: 'node-exporter', instance: 'node-exporter:9100' },
};
const all = (): boolean => true;

function caseOf(file: string, tenants: AgentCase['tenants'], more: Partial<AgentCase> = {}): AgentCase {
  return {
    file,
    agent: file,
    targets: [nodeExporter],
    external: { cluster: 'cluster-02', replica: 'agent-0' },
    tenants,
    ...more,
  };
}

/** The rules of the tuning guide. */
const filtered = ({ __name__ = '', namespace = '', job = '' }: Labels): boolean =>
  !/^(go_gc_duration_seconds.*|go_memstats.*|process_.*|scrape_.*)$/.test(__name__) &&
  !/^(test-.*|dev-.*|tmp-.*)$/.test(namespace) &&
  /^(kube-state-metrics|node-exporter|kubelet)$/.test(job);

const pair = (file: string, replica: string): AgentCase =>
  caseOf(
    file,
    { test1: all },
    {
      agent: 'pair',
      targets: [{ host: 'localhost:9090', labels: { job: 'prometheus', instance: 'localhost:9090' } }],
      external: { cluster: '1', env: '2', replica },
    },
  );

const kubeStateMetrics = 'kube-state-metrics.monitoring.svc.cluster.local:8080';

/** What must become of each configuration. */
export const agentCases: readonly AgentCase[] = [
  caseOf('queue-default', { 'default-tenant': all }),
  caseOf('queue-low', { 'default-tenant': all }),
  caseOf('queue-high-throughput', { 'default-tenant': all }),
  caseOf('queue-batch-5000', { 'default-tenant': all }),
  caseOf('relabel', { 'default-tenant': filtered }),
  caseOf('remote-write-2', { 'default-tenant': all }, { exemplars: true }),
  caseOf('tenant-header', { 'cluster-02-tenant-a': all }),
  // The guide's header is none that a receiver reads: everything is taken, and belongs to the default tenant.
  caseOf('tenant-header-wrong', { 'default-tenant': all }),
  caseOf('two-tenants', {
    'cluster-02-tenant-a': ({ namespace }) => namespace === 'tenant-a-shop',
    'cluster-02-tenant-b': ({ namespace }) => namespace === 'tenant-b-shop',
  }),
  pair('ha-pair-a', 'A'),
  pair('ha-pair-b', 'B'),
  // The certificate names the tenant.
  caseOf('mutual-tls', { 'team-by-certificate': all }),
  caseOf('tls-basic-auth', { 'default-tenant': all }),
  caseOf(
    'edge-cluster-02',
    { 'cluster-02-tenant-a': filtered },
    {
      external: { cluster: 'cluster-02', replica: 'prometheus-agent-0' },
      targets: [
        { host: 'pod-1:9100', labels: { job: 'node-exporter', instance: 'pod-1:9100', node: 'node-1' } },
        { host: kubeStateMetrics, labels: { job: 'kube-state-metrics', instance: kubeStateMetrics } },
        { host: 'node-1:10250', labels: { job: 'kubelet', instance: 'node-1:10250' }, isSecure: true },
      ],
    },
  ),
];

/** What the API server of `edge-cluster-02` would tell, by the name of the job. */
export const discovered: Readonly<Record<string, readonly object[]>> = {
  'node-exporter': [
    {
      targets: ['pod-1:8080'],
      labels: { __meta_kubernetes_pod_label_app: 'node-exporter', __meta_kubernetes_pod_node_name: 'node-1' },
    },
    { targets: ['pod-2:8080'], labels: { __meta_kubernetes_pod_label_app: 'something-else' } },
  ],
  kubelet: [{ targets: ['node-1:10250'] }],
};
