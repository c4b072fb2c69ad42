import { sumOf, type ScrapedSample } from '@gauntlet/stack-tool';
import { readMetrics, type Server } from '../servers.js';

/** What a Prometheus or an agent has written down, and what each of its remote writes made of it. */
export interface SentCounts {
  readonly appended: number;
  readonly exemplarsAppended: number;
  readonly queues: readonly QueueCounts[];
}
export interface QueueCounts {
  readonly name: string;
  /** Samples sent, stale markers and histograms included. */
  readonly sent: number;
  readonly exemplars: number;
  readonly metadata: number;
  /** Samples that a rule of the queue keeps from being sent. */
  readonly filtered: number;
  /** Metrics of failure that are not zero, as `name reason value`. What is sent again is not among them. */
  readonly failures: readonly string[];
}

export async function sentCounts(prometheus: Pick<Server, 'http'>): Promise<SentCounts> {
  const metrics = await readMetrics(prometheus);
  const one = (name: string): number => sumOf(metrics, name) ?? 0;
  const queues = new Map<string, ScrapedSample[]>();
  for (const sample of metrics) {
    const queue = sample.labels['remote_name'];
    if (queue !== undefined) queues.set(queue, [...(queues.get(queue) ?? []), sample]);
  }
  return {
    appended: one('prometheus_tsdb_head_samples_appended_total') + one('prometheus_agent_samples_appended_total'),
    exemplarsAppended:
      one('prometheus_tsdb_exemplar_exemplars_appended_total') + one('prometheus_agent_exemplars_appended_total'),
    queues: [...queues].map(([name, samples]) => queueCounts(name, samples)),
  };
}

function queueCounts(name: string, samples: readonly ScrapedSample[]): QueueCounts {
  const of = (what: string, labels = {}): number => sumOf(samples, `prometheus_remote_storage_${what}`, labels) ?? 0;
  const filtered = { reason: 'dropped_series' };
  return {
    name,
    sent: of('samples_total') + of('histograms_total'),
    exemplars: of('exemplars_total'),
    metadata: of('metadata_total'),
    filtered: of('samples_dropped_total', filtered) + of('histograms_dropped_total', filtered),
    failures: samples
      .filter(
        ({ name: metric, value, labels }) =>
          isFailure.test(metric) && value > 0 && labels['reason'] !== filtered.reason,
      )
      .map(({ name: metric, labels, value }) => `${metric} ${labels['reason'] ?? ''} ${value}`),
  };
}

const isFailure = /^prometheus_remote_storage_.*_(failed|dropped)(_total)?$/;
