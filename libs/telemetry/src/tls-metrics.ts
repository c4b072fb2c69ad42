import { type Reloaded } from '@gauntlet/tls';
import { collectCounter, collectGauge, type MetricRegistry, type MetricSample } from './registry.js';

/** Material with a certificate that ends one day, or without. */
type Material = Reloaded<{ readonly notAfterMs: number | undefined }>;

interface Uses {
  readonly materials: Material[];
  readonly refusals: (() => number)[];
}

const usesOf = new WeakMap<MetricRegistry, Uses>();

/** Registers `tls_*` for what is used, by its `use`. May be called again for more. @param refused connections that were not let in */
export function collectTlsMetrics(
  registry: MetricRegistry,
  materials: readonly Material[],
  refused: () => number = () => 0,
): void {
  const known = usesOf.get(registry);
  if (known) {
    known.materials.push(...materials);
    known.refusals.push(refused);
    return;
  }
  const uses: Uses = { materials: [...materials], refusals: [refused] };
  usesOf.set(registry, uses);
  const read = (value: (material: Material) => number | undefined) => (): MetricSample[] =>
    uses.materials.flatMap((material) => {
      const found = value(material);
      return found === undefined ? [] : [{ labels: { use: material.use }, value: found }];
    });
  const labelNames = ['use'];
  collectCounter(registry, {
    name: 'tls_reloads_total',
    help: 'Certificates, keys and web configurations that changed and were taken.',
    labelNames,
    read: read(({ tally }) => tally.reloads),
  });
  collectCounter(registry, {
    name: 'tls_reload_failures_total',
    help: 'Changes of those files that were not good, so that what was before stayed in use.',
    labelNames,
    read: read(({ tally }) => tally.failures),
  });
  collectGauge(registry, {
    name: 'tls_reload_failing',
    help: 'Whether those files are bad now.',
    labelNames,
    read: read(({ tally }) => Number(tally.failing)),
  });
  collectGauge(registry, {
    name: 'tls_certificate_end_timestamp_seconds',
    help: 'When the certificate in use ends.',
    labelNames,
    read: read(({ current }) => (current.notAfterMs === undefined ? undefined : current.notAfterMs / 1000)),
  });
  collectCounter(registry, {
    name: 'tls_refused_connections_total',
    help: 'Handshakes of HTTP listeners that failed, and clients whose certificate was not accepted.',
    read: () => uses.refusals.reduce((sum, count) => sum + count(), 0),
  });
}
