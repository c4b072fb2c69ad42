import { type Histogram, type Span, coarsenHistogram } from '@gauntlet/chunk';
import { RecordCursor, malformed } from './record-cursor.js';
import { RecordType, recordType } from './record-type.js';
import { RecordSink, type SampleEntry } from './records.js';

/**
 * The records of types 7 to 13 as objects: histograms, and samples of either kind with a start timestamp. Layouts: FORMAT.md.
 */
export interface HistogramEntry {
  readonly ref: number;
  readonly timestampMs: bigint;
  readonly histogram: Histogram;
  /** When the counter began; types 12 and 13 alone have it, and not for each entry. */
  readonly startMs?: bigint;
}

export interface StartedSampleEntry extends SampleEntry {
  readonly startMs?: bigint;
}

const customBucketsSchema = -53;
const schemaMin = -9;
const schemaMax = 52;

/**
 * Records of types 7 and 9 for integer histograms, 8 and 10 for float ones, in this order, and none without entries. Types 9 and 10 are
 * for custom buckets.
 */
export function encodeHistograms(entries: readonly HistogramEntry[]): Uint8Array[] {
  const integers = entries.filter(({ histogram }) => histogram.kind === 'integer');
  const floats = entries.filter(({ histogram }) => histogram.kind === 'float');
  return [
    ...encodeSplit(integers, RecordType.histograms, RecordType.customBucketHistograms),
    ...encodeSplit(floats, RecordType.floatHistograms, RecordType.customBucketFloatHistograms),
  ];
}

function encodeSplit(entries: readonly HistogramEntry[], type: number, customType: number): Uint8Array[] {
  const [first] = entries;
  if (first === undefined) return [];
  const custom = entries.filter(({ histogram }) => histogram.schema === customBucketsSchema);
  const others = entries.filter(({ histogram }) => histogram.schema !== customBucketsSchema);
  const records: Uint8Array[] = [];
  // The first of all is the base of the others even when it is not among them: so it was always written.
  if (others.length > 0) records.push(encodeFrom(first, others, type));
  if (custom.length > 0) records.push(encodeFrom(custom[0]!, custom, customType));
  return records;
}

function encodeFrom(base: HistogramEntry, entries: readonly HistogramEntry[], type: number): Uint8Array {
  const sink = new RecordSink(type).u64(BigInt(base.ref)).u64(base.timestampMs);
  for (const { ref, timestampMs, histogram } of entries) {
    sink.svarint(BigInt(ref - base.ref)).svarint(BigInt.asIntN(64, timestampMs - base.timestampMs));
    putHistogram(sink, histogram);
  }
  return sink.finish();
}

/** A record of type 12 for integer histograms, 13 for float ones; they are of one kind. Nothing of ours writes it but tests. */
export function encodeStartedHistograms(entries: readonly HistogramEntry[], kind: Histogram['kind']): Uint8Array {
  const type = kind === 'integer' ? RecordType.histogramsV2 : RecordType.floatHistogramsV2;
  return encodeStarted(type, entries, (sink, { histogram }) => putHistogram(sink, histogram));
}

/** A record of type 11. */
export function encodeSamplesV2(entries: readonly StartedSampleEntry[]): Uint8Array {
  return encodeStarted(RecordType.samplesV2, entries, (sink, { valueBits }) => sink.u64(valueBits));
}

const startMark = { none: 0, same: 1, explicit: 2 } as const;

interface Started {
  readonly ref: number;
  readonly timestampMs: bigint;
  readonly startMs?: bigint;
}

function encodeStarted<T extends Started>(
  type: number,
  entries: readonly T[],
  putBody: (sink: RecordSink, entry: T) => void,
): Uint8Array {
  const sink = new RecordSink(type);
  let first: T | undefined;
  let previous: T | undefined;
  for (const entry of entries) {
    const { ref, timestampMs, startMs = 0n } = entry;
    if (first === undefined || previous === undefined) {
      sink.svarint(BigInt(ref)).svarint(timestampMs).svarint(startMs);
      first = entry;
    } else {
      sink.svarint(BigInt(ref - previous.ref)).svarint(BigInt.asIntN(64, timestampMs - first.timestampMs));
      if (startMs === 0n) sink.u8(startMark.none);
      else if (startMs === (previous.startMs ?? 0n)) sink.u8(startMark.same);
      else sink.u8(startMark.explicit).svarint(BigInt.asIntN(64, startMs - (first.startMs ?? 0n)));
    }
    putBody(sink, entry);
    previous = entry;
  }
  return sink.finish();
}

/**
 * Decodes a record of types 7 to 10, 12 or 13. An entry that no chunk can hold is passed over, the others stay: one of an unknown schema, or
 * whose spans name other buckets than it has counts for. Schemas finer than 8 are brought down to it.
 */
export function decodeHistograms(record: Uint8Array): HistogramEntry[] {
  switch (recordType(record)) {
    case RecordType.histograms:
    case RecordType.customBucketHistograms:
      return decodeFrom(record, integerAt);
    case RecordType.floatHistograms:
    case RecordType.customBucketFloatHistograms:
      return decodeFrom(record, floatAt);
    case RecordType.histogramsV2:
      return decodeStarted(record, histogramEntryAt(integerAt));
    case RecordType.floatHistogramsV2:
      return decodeStarted(record, histogramEntryAt(floatAt));
    default:
      throw malformed(record[0], 'a type of histograms was expected');
  }
}

/** Decodes a record of type 11. */
export function decodeSamplesV2(record: Uint8Array): StartedSampleEntry[] {
  if (recordType(record) !== RecordType.samplesV2) throw malformed(record[0], 'type 11 was expected');
  return decodeStarted(record, (cursor, started) => ({ ...started, valueBits: cursor.u64() }));
}

type HistogramReader = (cursor: RecordCursor) => Histogram | undefined;

function decodeFrom(record: Uint8Array, read: HistogramReader): HistogramEntry[] {
  const cursor = new RecordCursor(record);
  const entries: HistogramEntry[] = [];
  if (cursor.atEnd) return entries;
  const baseRef = cursor.u64();
  const baseMs = cursor.i64();
  while (!cursor.atEnd) {
    const ref = cursor.ref(baseRef + cursor.svarint());
    const timestampMs = BigInt.asIntN(64, baseMs + cursor.svarint());
    const histogram = read(cursor);
    if (histogram !== undefined) entries.push({ ref, timestampMs, histogram });
  }
  return entries;
}

function histogramEntryAt(read: HistogramReader) {
  return (cursor: RecordCursor, started: Started): HistogramEntry | undefined => {
    const histogram = read(cursor);
    return histogram === undefined ? undefined : { ...started, histogram };
  };
}

/** Refs are differences to the entry before, times and start times to the first. */
function decodeStarted<T>(record: Uint8Array, entryAt: (cursor: RecordCursor, started: Started) => T | undefined): T[] {
  const cursor = new RecordCursor(record);
  const entries: T[] = [];
  let first: { timestampMs: bigint; startMs: bigint } | undefined;
  let ref = 0n;
  let startMs = 0n;
  while (!cursor.atEnd) {
    ref += cursor.svarint();
    const timestampMs = BigInt.asIntN(64, (first?.timestampMs ?? 0n) + cursor.svarint());
    startMs = first === undefined ? cursor.svarint() : startAt(cursor, startMs, first.startMs);
    first ??= { timestampMs, startMs };
    const started = { ref: cursor.ref(ref), timestampMs, ...(startMs === 0n ? {} : { startMs }) };
    const entry = entryAt(cursor, started);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function startAt(cursor: RecordCursor, previousMs: bigint, firstMs: bigint): bigint {
  const mark = cursor.u8();
  if (mark === startMark.none) return 0n;
  if (mark === startMark.same) return previousMs;
  if (mark === startMark.explicit) return BigInt.asIntN(64, firstMs + cursor.svarint());
  throw cursor.malformed(`start time mark ${mark} is unknown`);
}

function putHistogram(sink: RecordSink, histogram: Histogram): void {
  sink.u8(histogram.hint).svarint(BigInt(histogram.schema)).f64(histogram.zeroThreshold);
  if (histogram.kind === 'integer') sink.uvarint(histogram.zeroCount).uvarint(histogram.count);
  else sink.f64(histogram.zeroCount).f64(histogram.count);
  sink.u64(histogram.sumBits);
  putSpans(sink, histogram.positiveSpans);
  putSpans(sink, histogram.negativeSpans);
  for (const buckets of [histogram.positive, histogram.negative]) {
    sink.uvarint(BigInt(buckets.length));
    if (buckets instanceof BigInt64Array) for (const delta of buckets) sink.svarint(delta);
    else sink.floats(buckets);
  }
  if (histogram.schema !== customBucketsSchema) return;
  sink.uvarint(BigInt(histogram.customBounds.length)).floats(histogram.customBounds);
}

function putSpans(sink: RecordSink, spans: readonly Span[]): void {
  sink.uvarint(BigInt(spans.length));
  for (const { offset, length } of spans) sink.svarint(BigInt(offset)).uvarint(BigInt(length));
}

function integerAt(cursor: RecordCursor): Histogram | undefined {
  const { hint, schema, zeroThreshold } = scaleAt(cursor);
  const zeroCount = cursor.uvarint();
  const count = cursor.uvarint();
  const sumBits = cursor.u64();
  const positiveSpans = spansAt(cursor);
  const negativeSpans = spansAt(cursor);
  const positive = deltasAt(cursor);
  const negative = deltasAt(cursor);
  const customBounds = boundsAt(cursor, schema);
  const layout = { schema, zeroThreshold, positiveSpans, negativeSpans, customBounds };
  return storable({ kind: 'integer', hint, ...layout, count, zeroCount, sumBits, positive, negative });
}

function floatAt(cursor: RecordCursor): Histogram | undefined {
  const { hint, schema, zeroThreshold } = scaleAt(cursor);
  const zeroCount = cursor.f64();
  const count = cursor.f64();
  const sumBits = cursor.u64();
  const positiveSpans = spansAt(cursor);
  const negativeSpans = spansAt(cursor);
  const positive = cursor.floats(cursor.count());
  const negative = cursor.floats(cursor.count());
  const customBounds = boundsAt(cursor, schema);
  const layout = { schema, zeroThreshold, positiveSpans, negativeSpans, customBounds };
  return storable({ kind: 'float', hint, ...layout, count, zeroCount, sumBits, positive, negative });
}

const hints = [0, 1, 2, 3] as const;

function scaleAt(cursor: RecordCursor) {
  // A hint that nobody knows hints at nothing.
  const hint = hints[cursor.u8()] ?? 0;
  return { hint, schema: Number(cursor.svarint()), zeroThreshold: cursor.f64() };
}

function spansAt(cursor: RecordCursor): Span[] {
  const spans: Span[] = [];
  for (let left = cursor.count(); left > 0; left -= 1) {
    spans.push({ offset: Number(cursor.svarint()), length: Number(cursor.uvarint()) });
  }
  return spans;
}

function deltasAt(cursor: RecordCursor): BigInt64Array {
  const deltas = new BigInt64Array(cursor.count());
  for (let i = 0; i < deltas.length; i += 1) deltas[i] = cursor.svarint();
  return deltas;
}

function boundsAt(cursor: RecordCursor, schema: number): Float64Array {
  return schema === customBucketsSchema ? cursor.floats(cursor.count()) : noBounds;
}

const noBounds = new Float64Array(0);

function storable(histogram: Histogram): Histogram | undefined {
  const { schema, positiveSpans, negativeSpans, positive, negative } = histogram;
  const isKnown = schema === customBucketsSchema || (schema >= schemaMin && schema <= schemaMax);
  if (!isKnown || !names(positiveSpans, positive.length) || !names(negativeSpans, negative.length)) return undefined;
  return coarsenHistogram(histogram);
}

/** Whether spans name that many buckets, each at a place of its own. */
function names(spans: readonly Span[], buckets: number): boolean {
  let count = 0;
  for (const [i, { offset, length }] of spans.entries()) {
    if (offset < (i > 0 ? 0 : -(2 ** 31)) || offset >= 2 ** 31) return false;
    count += length;
  }
  return count === buckets;
}
