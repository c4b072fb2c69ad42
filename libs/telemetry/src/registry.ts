import { Registry as PromRegistry, collectDefaultMetrics } from 'prom-client';
import { invariant } from '@gauntlet/base';

export type MetricLabels = Readonly<Record<string, string>>;

/** One value of a family at scrape time. */
export interface MetricSample {
  readonly labels?: MetricLabels;
  readonly value: number;
  /** What follows the family's name: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

/** A family and how to read its values now. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  read(): Iterable<MetricSample>;
}

export type ExpositionFormat = 'text' | 'openmetrics';

/**
 * The metrics of a process. Values are plain numbers where the work is done and are read when somebody scrapes, so
 * that counting costs an addition. prom-client brings the metrics of Node itself.
 */
export interface MetricRegistry {
  /** Throws for a name that is taken. */
  register(family: MetricFamily): void;
  render(format: ExpositionFormat): Promise<string>;
}

export interface RegistryOptions {
  /** Leaves out what prom-client says of the process and of Node. */
  readonly withoutProcessMetrics?: boolean;
}

export function createRegistry(options: RegistryOptions = {}): MetricRegistry {
  const families = new Map<string, MetricFamily>();
  const prom = new PromRegistry();
  if (!options.withoutProcessMetrics) collectDefaultMetrics({ register: prom });
  return {
    register(family) {
      invariant(!families.has(family.name), `metric ${family.name} is registered once`);
      families.set(family.name, family);
    },
    async render(format) {
      const parts: string[] = [];
      for (const family of await promFamilies(prom)) parts.push(renderFamily(family, format));
      for (const family of families.values()) {
        parts.push(renderFamily(family, format));
        // A tenant more is a family longer: other work gets its turn in between.
        await new Promise(setImmediate);
      }
      if (format === 'openmetrics') parts.push('# EOF\n');
      return parts.join('');
    },
  };
}

export interface ReadMetric {
  readonly name: string;
  readonly help: string;
  /** The order of the labels; what `read` leaves out is written as empty. */
  readonly labelNames?: readonly string[];
  read(): Iterable<MetricSample> | number;
}

/** A counter whose numbers live elsewhere. */
export function collectCounter(registry: MetricRegistry, metric: ReadMetric): void {
  registry.register({ ...metric, type: 'counter', read: () => readAll(metric) });
}

/** A gauge whose numbers live elsewhere. */
export function collectGauge(registry: MetricRegistry, metric: ReadMetric): void {
  registry.register({ ...metric, type: 'gauge', read: () => readAll(metric) });
}

function* readAll({ labelNames, read }: ReadMetric): Iterable<MetricSample> {
  const values = read();
  if (typeof values === 'number') {
    yield { value: values };
    return;
  }
  for (const sample of values) {
    yield labelNames === undefined
      ? sample
      : { ...sample, labels: Object.fromEntries(labelNames.map((name) => [name, sample.labels?.[name] ?? ''])) };
  }
}

async function promFamilies(prom: PromRegistry): Promise<MetricFamily[]> {
  const metrics = await prom.getMetricsAsJSON();
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    type: type as unknown as MetricFamily['type'],
    read: () =>
      values.map((value) => ({
        value: value.value,
        labels: Object.fromEntries(Object.entries(value.labels).map(([label, of]) => [label, String(of)])),
        suffix: ((value as { metricName?: string }).metricName ?? name).slice(name.length),
      })),
  }));
}

function renderFamily(family: MetricFamily, format: ExpositionFormat): string {
  const { name, help, type } = family;
  // OpenMetrics names a counter's family without the suffix that its samples carry.
  const base = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  const sampleName = format === 'openmetrics' && type === 'counter' ? `${base}_total` : name;
  let text = `# HELP ${base} ${escapeHelp(help, format)}\n# TYPE ${base} ${type}\n`;
  for (const { labels, value, suffix } of family.read())
    text += `${sampleName}${suffix ?? ''}${renderLabels(labels)} ${renderValue(value)}\n`;
  return text;
}

function renderLabels(labels: MetricLabels | undefined): string {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return '';
  return `{${entries.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`).join(',')}}`;
}

function renderValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

function escapeHelp(help: string, format: ExpositionFormat): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}
