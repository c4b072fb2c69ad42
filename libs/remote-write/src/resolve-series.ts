import { RowVerdict, type LabelBytes, type SampleBits } from '@gauntlet/kernel';
import type { TimeSeriesV2 } from './write-request-v2.js';
import type { Exemplar, TimeSeries } from './write-request.js';

/** A series of remote write 2.0 as one of 1.0, and whether it may be stored. */
export interface ResolvedSeries {
  readonly verdict: RowVerdict;
  /** Without start timestamps, which 1.0 does not know. With the verdict `badReference` it has no labels and nothing in it. */
  readonly series: TimeSeries;
}

/** Resolves the references of a series, and judges it as the Prometheus receiver does (RowVerdict says in which order). The twin of what the kernel's scan does. */
export function resolveSeries(received: TimeSeriesV2, symbols: readonly Buffer[]): ResolvedSeries {
  const labels = resolveLabels(received.labelsRefs, symbols);
  const exemplars = received.exemplars.map(({ labelsRefs, timestampMs, bits }) => ({
    labels: resolveLabels(labelsRefs, symbols),
    timestampMs,
    bits,
  }));
  const { helpRef, unitRef } = received.metadata ?? {};
  const isMetadataBad = [helpRef, unitRef].some((ref) => ref !== undefined && ref >= symbols.length);
  if (labels === undefined || isMetadataBad || !areResolved(exemplars))
    return { verdict: RowVerdict.badReference, series: { labels: [], samples: [], exemplars: [], histograms: [] } };

  const samples = received.samples.map(({ timestampMs, bits }) => ({ timestampMs, bits }));
  const histograms = received.histograms.map(({ startTimestampMs: _, ...histogram }) => histogram);
  const series = { labels, samples, exemplars, histograms };
  return { verdict: judge(series), series };
}

function areResolved(
  exemplars: readonly (SampleBits & { readonly labels: readonly LabelBytes[] | undefined })[],
): exemplars is Exemplar[] {
  return exemplars.every(({ labels }) => labels !== undefined);
}

/** Labels sorted by name; undefined when a reference is out of range or has no partner. */
function resolveLabels(refs: readonly number[], symbols: readonly Buffer[]): LabelBytes[] | undefined {
  if (refs.length % 2 !== 0 || refs.some((ref) => ref >= symbols.length)) return undefined;
  const labels = Array.from({ length: refs.length / 2 }, (_, i): LabelBytes => [
    symbols[refs[i * 2]!]!,
    symbols[refs[i * 2 + 1]!]!,
  ]);
  return labels.sort(([a], [b]) => Buffer.compare(a, b));
}

function judge({ labels, samples, histograms, exemplars }: TimeSeries): RowVerdict {
  const names = labels.map(([name]) => name);
  if (labels.length === 0 || labels.flat().some((text) => text.length === 0)) return RowVerdict.emptyLabel;
  if (!labels.flat().every(isUtf8)) return RowVerdict.notUtf8;
  if (!names.some((name) => name.equals(metricName))) return RowVerdict.nameMissing;
  if (names.some((name, i) => i > 0 && name.equals(names[i - 1]!))) return RowVerdict.duplicateLabel;
  // Prometheus sends each exemplar in a series of its own.
  return samples.length + histograms.length + exemplars.length === 0 ? RowVerdict.noItems : RowVerdict.ok;
}

const metricName = Buffer.from('__name__');
const decoder = new TextDecoder('utf-8', { fatal: true });

function isUtf8(text: Buffer): boolean {
  try {
    decoder.decode(text);
    return true;
  } catch {
    return false;
  }
}
