import { invariant, KiB } from '@gauntlet/base';
import { staleMarkerBits } from '@gauntlet/model';
import { attributesMax, type Attribute, type AttributeReader } from './attributes.js';
import {
  bucketsMax,
  readExponentialPoint,
  readHistogramPoint,
  readNumberPoint,
  readSummaryPoint,
  type ExponentialPoint,
  type HistogramPoint,
  type NumberPoint,
  type SummaryPoint,
} from './data-points.js';
import { bitsOf, decimalText, doubleOf } from './double-bits.js';
import { readExemplar, type Exemplar } from './exemplars.js';
import { readMetric, type Metric } from './metric.js';
import { encodeLabel, withLabels, type EncodedLabel, type LabelSet } from './label-set.js';
import { metricName } from './names.js';
import { encodeNative, judgeExponential } from './native-histogram.js';
import type { ProtobufCursor } from './protobuf-cursor.js';
import { RejectionTally } from './rejection-tally.js';
import { Resource } from './resource.js';
import type { SeriesTable } from './series-table.js';
import type { Steps } from './steps.js';

/** A resource as it is read. */
export interface ResourceParts {
  readonly attributes: readonly Attribute[];
  /** Encoded. */
  readonly bytes: number;
}

/**
 * Larger data points and resources are refused: what is in them is translated in few steps. A histogram of as many buckets as may be
 * has half of that.
 */
export const partBytesMax = 512 * KiB;

/** Adds metrics to the table, those of one resource after the other. */
export class MetricTranslator {
  readonly #table: SeriesTable;
  readonly #reader: AttributeReader;
  readonly #rejections = new RejectionTally();
  readonly #promotedKeys: readonly string[];
  #parts: ResourceParts = { attributes: [], bytes: 0 };
  /** Made for the first point that needs it. */
  #resource: Resource | undefined;
  #dataPoints = 0;
  /** Of the resource's points; `target_info` gets this time. */
  #latestMs = 0;
  /** The name encoded last: it tends to come again. */
  #name = { text: '', label: encodeLabel('__name__', '') };

  /** @param promotedKeys attributes of resources that all their series get; bytes, one to a character */
  constructor(table: SeriesTable, reader: AttributeReader, promotedKeys: readonly string[]) {
    this.#promotedKeys = promotedKeys;
    this.#table = table;
    this.#reader = reader;
  }

  get dataPoints(): number {
    return this.#dataPoints;
  }

  get rejected(): { count: number; firstReasons: readonly string[] } {
    return this.#rejections.result;
  }

  /** Whatever is added from here on belongs to this resource. */
  enter(resource: ResourceParts): void {
    this.#parts = resource;
    this.#resource = undefined;
    this.#latestMs = 0;
  }

  *addMetric(message: ProtobufCursor): Steps<void> {
    const metric = yield* readMetric(message);
    const reason = judge(metric);
    const name = reason === undefined ? nameOf(metric) : '';
    if (reason !== undefined || name === '') {
      this.#rejections.add(metric.name, reason ?? 'its name has no letter and no digit', metric.pointCount);
      return;
    }
    const { data } = metric;
    invariant(data !== undefined, 'a metric without data was refused');
    for (let field = data.nextField(); field !== 0; field = data.nextField()) {
      if (field === 1 || data.endsStride()) yield;
      if (field === 1) yield* this.#addPointOf(metric, name, data.message());
      else data.skip();
    }
  }

  /** To be called when all metrics of the resource have been added. */
  addTargetInfo(): void {
    if (this.#latestMs === 0) return;
    const labels = this.#resource?.targetInfoOf();
    if (labels !== undefined) this.#table.addSample(this.#table.seriesOf(labels), this.#latestMs, bitsOf(1));
  }

  *#addPointOf(metric: Metric, name: string, message: ProtobufCursor): Steps<void> {
    this.#reader.startPart();
    const reason = message.bytesLeft > partBytesMax ? pointTooLarge : yield* this.#addPoint(metric, name, message);
    if (reason === undefined) this.#dataPoints += 1;
    else this.#rejections.add(metric.name, reason, 1);
  }

  /** Returns why the point has no translation, if so. */
  *#addPoint(metric: Metric, name: string, message: ProtobufCursor): Steps<string | undefined> {
    switch (metric.kind) {
      case 'gauge':
      case 'sum':
        return this.#addNumber(name, readNumberPoint(message, this.#reader), metric.kind === 'sum');
      case 'histogram':
        return yield* this.#addHistogram(name, readHistogramPoint(message, this.#reader));
      case 'exponential':
        return this.#addExponential(name, readExponentialPoint(message, this.#reader));
      case 'summary':
        return yield* this.#addSummary(name, readSummaryPoint(message, this.#reader));
      case 'none':
        return 'it has no data';
    }
  }

  /** Exemplars are kept of sums only: Prometheus has none of gauges. */
  #addNumber(name: string, point: NumberPoint, keepsExemplars: boolean): string | undefined {
    if (point.bits === undefined && !point.isStale) return 'it has no value';
    const labels = this.#labelsOf(point);
    if (typeof labels === 'string') return labels;
    const series = this.#add(labels, name, point, point.bits ?? staleMarkerBits);
    if (keepsExemplars) for (const exemplar of this.#exemplarsOf(point)) this.#addExemplar(series, exemplar);
    return undefined;
  }

  /** Classic buckets count all that is up to their bound; the last one, of all, repeats the count. */
  *#addHistogram(name: string, point: HistogramPoint): Steps<string | undefined> {
    if (Math.max(point.boundBits.length, point.bucketCounts.length) > bucketsMax) return tooManyBuckets;
    const labels = this.#labelsOf(point);
    if (typeof labels === 'string') return labels;
    if (point.sumBits !== undefined) this.#add(labels, `${name}_sum`, point, point.sumBits);
    this.#add(labels, `${name}_count`, point, countBits(point.count));
    const buckets: { bound: number; series: number }[] = [];
    const addBucket = (bound: number, count: bigint): void => {
      const series = this.#add(
        labels,
        `${name}_bucket`,
        point,
        countBits(count),
        encodeLabel('le', decimalText(bound)),
      );
      buckets.push({ bound, series });
    };
    const cumulative = new BigUint64Array(1); // It wraps around, as counts of Go do.
    for (let index = 0; index < Math.min(point.boundBits.length, point.bucketCounts.length); index += 1) {
      cumulative[0]! += point.bucketCounts[index]!;
      if (index % 4 === 3) yield; // With long labels a series takes a while.
      addBucket(doubleOf(point.boundBits[index]!), cumulative[0]!);
    }
    addBucket(Infinity, point.count);
    this.#addBucketExemplars(point, buckets);
    return undefined;
  }

  /** An exemplar goes with the first bucket that holds its value. */
  #addBucketExemplars(point: HistogramPoint, buckets: readonly { bound: number; series: number }[]): void {
    if (point.exemplars.length === 0) return;
    const ordered = buckets
      .filter(({ bound }) => !Number.isNaN(bound))
      .sort((left, right) => (left.bound < right.bound ? -1 : 1));
    for (const exemplar of this.#exemplarsOf(point)) {
      if (Number.isNaN(exemplar.value)) continue;
      let [low, high] = [0, ordered.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (exemplar.value <= ordered[middle]!.bound) high = middle;
        else low = middle + 1;
      }
      this.#addExemplar(ordered[low]!.series, exemplar);
    }
  }

  #addExponential(name: string, point: ExponentialPoint): string | undefined {
    if (Math.max(point.positive.counts.length, point.negative.counts.length) > bucketsMax) return tooManyBuckets;
    const labels = this.#labelsOf(point);
    if (typeof labels === 'string') return labels;
    const reason = judgeExponential(point);
    if (reason !== undefined) return reason;
    const series = this.#seriesOf(labels, name);
    this.#meet(point.timestampMs);
    this.#table.addHistogram(series, point.timestampMs, encodeNative(point));
    for (const exemplar of this.#exemplarsOf(point)) this.#addExemplar(series, exemplar);
    return undefined;
  }

  *#addSummary(name: string, point: SummaryPoint): Steps<string | undefined> {
    if (point.quantiles.length > bucketsMax) return tooManyBuckets;
    const labels = this.#labelsOf(point);
    if (typeof labels === 'string') return labels;
    this.#add(labels, `${name}_sum`, point, point.sumBits);
    this.#add(labels, `${name}_count`, point, countBits(point.count));
    for (const [index, { quantile, bits }] of point.quantiles.entries()) {
      if (index % 4 === 3) yield;
      this.#add(labels, name, point, bits, encodeLabel('quantile', decimalText(quantile)));
    }
    return undefined;
  }

  /** The labels of a point but for its name, or why there are none. */
  #labelsOf({ attributes }: { readonly attributes: readonly Attribute[] }): LabelSet | string {
    if (attributes.length > attributesMax) return `a data point has more than ${attributesMax} attributes`;
    if (this.#parts.bytes > partBytesMax) return resourceTooLarge;
    if (this.#parts.attributes.length > attributesMax) return `its resource has more than ${attributesMax} attributes`;
    this.#resource ??= new Resource(this.#parts.attributes, this.#promotedKeys);
    return this.#resource.labelsOf(attributes) ?? 'the key of an attribute has no letter and no digit';
  }

  /** Adds one sample of a point to a series and returns that. */
  #add(
    labels: LabelSet,
    name: string,
    point: { readonly timestampMs: number; readonly isStale: boolean },
    bits: bigint,
    more?: EncodedLabel,
  ): number {
    const series = this.#seriesOf(labels, name, more);
    this.#meet(point.timestampMs);
    this.#table.addSample(series, point.timestampMs, point.isStale ? staleMarkerBits : bits);
    return series;
  }

  /** The name and what buckets and quantiles add come before attributes of the same name. */
  #seriesOf(labels: LabelSet, name: string, more?: EncodedLabel): number {
    if (this.#name.text !== name) this.#name = { text: name, label: encodeLabel('__name__', name) };
    const own = more === undefined ? [this.#name.label] : [this.#name.label, more];
    return this.#table.seriesOf(withLabels(labels, ...own));
  }

  /** One without a value is left out. */
  *#exemplarsOf(point: { readonly exemplars: readonly ProtobufCursor[] }): Iterable<Exemplar> {
    for (const message of point.exemplars) {
      const exemplar = readExemplar(message, this.#reader);
      if (exemplar !== undefined) yield exemplar;
    }
  }

  #addExemplar(series: number, exemplar: Exemplar): void {
    this.#table.addExemplar(series, exemplar.timestampMs, exemplar.message);
  }

  #meet(timestampMs: number): void {
    this.#latestMs = Math.max(this.#latestMs, timestampMs);
  }
}

const pointTooLarge = `a data point is larger than ${partBytesMax / KiB} KiB`;
const resourceTooLarge = `its resource is larger than ${partBytesMax / KiB} KiB`;
const tooManyBuckets = `a data point has more than ${bucketsMax} buckets`;

/** Why nothing of the metric has a translation, if so. */
function judge(metric: Metric): string | undefined {
  if (metric.kind === 'none') return 'it has no data';
  if (metric.temporality !== 'cumulative') return `its temporality is ${metric.temporality}, not cumulative`;
  if (metric.pointCount === 0) return 'it has no data points';
  if (metric.name.length > nameBytesMax || metric.unit.length > nameBytesMax) return 'its name or unit is too long';
  return undefined;
}

/** Longer names would be taken to pieces at length. */
const nameBytesMax = 65_536;

function nameOf({ name, unit, kind, isMonotonic }: Metric): string {
  const what = kind === 'gauge' ? 'gauge' : kind === 'sum' && isMonotonic ? 'counter' : 'other';
  return metricName(utf8Of(name), utf8Of(unit), what);
}

function utf8Of(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function countBits(count: bigint): bigint {
  return bitsOf(Number(count));
}
