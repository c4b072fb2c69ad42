import { buildBody, seriesLabels, type LabelPair, type LoadBody } from '@gauntlet/loadgen-tool';
import { requestShape } from './request-shape.js';

/** A label that every series has with the same value: asking for it is asking for all. */
export const everySeries = { job: 'checkout/checkout-frontend-metrics' };
/** A stored label of three values, early among the names: without it the series come in quite another order. */
export const storedLabel = 'cluster';
export const fewValuesLabel = 'namespace';
export const fewValuesMax = 500;
/** A value of its own for each series. */
export const manyValuesLabel = 'handler';
export const seriesPerMetric = 1000;
export const metricName = (index: number): string => `checkout_requests_${Math.floor(index / seriesPerMetric)}_total`;

/** Those of the load generator, but with metrics of 1,000 series each and with a label of 500 values. */
export function readSeriesLabels(index: number): LabelPair[] {
  return seriesLabels(index, requestShape.labelsPerSeries).map(([name, value]) => {
    if (name === '__name__') return [name, metricName(index)];
    // Not the remainder itself: neighbours would have one value, and postings would be runs.
    return name === fewValuesLabel ? [name, `team-${(index * 7919) % fewValuesMax}-production`] : [name, value];
  });
}

export function prepareReadBodies(series: number): LoadBody[] {
  const { seriesPerRequest, samplesPerSeries } = requestShape;
  const bodies: LoadBody[] = [];
  for (let first = 0; first < series; first += seriesPerRequest) {
    const labels = Array.from({ length: Math.min(seriesPerRequest, series - first) }, (_, k) =>
      readSeriesLabels(first + k),
    );
    const body = buildBody({ firstSeries: first, labels, samplesPerSeries });
    bodies.push({ body, index: bodies.length, round: 0, lastTimestampMs: 0 });
  }
  return bodies;
}
