import type { Labels } from '@gauntlet/model';
import { RecordCursor } from './record-cursor.js';
import { RecordType } from './record-type.js';
import { malformed } from './record-cursor.js';

/**
 * The records of types 1 to 6 as objects, for what is not in a hurry: 64-bit times and the bits of values are bigints, so that
 * every one of them survives. The head reads and writes types 1 and 2 in its kernel instead. Layouts: FORMAT.md.
 */
export interface SeriesEntry {
  readonly ref: number;
  readonly labels: Labels;
}

export interface SampleEntry {
  readonly ref: number;
  readonly timestampMs: bigint;
  readonly valueBits: bigint;
}

/** Deleted: both ends belong to it. */
export interface TombstoneEntry {
  readonly ref: number;
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
}

export interface ExemplarEntry extends SampleEntry {
  readonly labels: Labels;
}

/** Everything logged before it for the series is in this chunk or an earlier one. */
export interface MarkerEntry {
  readonly ref: number;
  readonly chunkRef: bigint;
}

export interface MetadataEntry {
  readonly ref: number;
  /** 0 unknown, 1 counter, 2 gauge, 3 histogram, 4 gaugehistogram, 5 summary, 6 info, 7 stateset. */
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

export function decodeSeries(record: Uint8Array): SeriesEntry[] {
  return decodeEach(record, RecordType.series, (cursor) => ({ ref: cursor.ref(), labels: labelsAt(cursor) }));
}

export function encodeSeries(entries: readonly SeriesEntry[]): Uint8Array {
  const sink = new RecordSink(RecordType.series);
  for (const { ref, labels } of entries) sink.u64(BigInt(ref)).labels(labels);
  return sink.finish();
}

export function decodeSamples(record: Uint8Array): SampleEntry[] {
  return decodeBased(record, RecordType.samples, (cursor, ref, timestampMs) => ({
    ref,
    timestampMs,
    valueBits: cursor.u64(),
  }));
}

export function encodeSamples(entries: readonly SampleEntry[]): Uint8Array {
  return encodeBased(RecordType.samples, entries, (sink, { valueBits }) => sink.u64(valueBits));
}

export function decodeTombstones(record: Uint8Array): TombstoneEntry[] {
  return decodeEach(record, RecordType.tombstones, (cursor) => ({
    ref: cursor.ref(),
    minTimeMs: cursor.svarint(),
    maxTimeMs: cursor.svarint(),
  }));
}

export function encodeTombstones(entries: readonly TombstoneEntry[]): Uint8Array {
  const sink = new RecordSink(RecordType.tombstones);
  for (const { ref, minTimeMs, maxTimeMs } of entries) sink.u64(BigInt(ref)).svarint(minTimeMs).svarint(maxTimeMs);
  return sink.finish();
}

export function decodeExemplars(record: Uint8Array): ExemplarEntry[] {
  return decodeBased(record, RecordType.exemplars, (cursor, ref, timestampMs) => ({
    ref,
    timestampMs,
    valueBits: cursor.u64(),
    labels: labelsAt(cursor),
  }));
}

export function encodeExemplars(entries: readonly ExemplarEntry[]): Uint8Array {
  return encodeBased(RecordType.exemplars, entries, (sink, { valueBits, labels }) =>
    sink.u64(valueBits).labels(labels),
  );
}

export function decodeMarkers(record: Uint8Array): MarkerEntry[] {
  return decodeEach(record, RecordType.markers, (cursor) => ({ ref: cursor.ref(), chunkRef: cursor.u64() }));
}

export function encodeMarkers(entries: readonly MarkerEntry[]): Uint8Array {
  const sink = new RecordSink(RecordType.markers);
  for (const { ref, chunkRef } of entries) sink.u64(BigInt(ref)).u64(chunkRef);
  return sink.finish();
}

export function decodeMetadata(record: Uint8Array): MetadataEntry[] {
  return decodeEach(record, RecordType.metadata, (cursor) => {
    const ref = cursor.ref(cursor.uvarint());
    const type = cursor.u8();
    const fields = new Map<string, string>();
    for (let left = cursor.count(); left > 0; left -= 1) fields.set(cursor.string(), cursor.string());
    return { ref, type, unit: fields.get('UNIT') ?? '', help: fields.get('HELP') ?? '' };
  });
}

export function encodeMetadata(entries: readonly MetadataEntry[]): Uint8Array {
  const sink = new RecordSink(RecordType.metadata);
  for (const { ref, type, unit, help } of entries) {
    sink.uvarint(BigInt(ref)).u8(type).uvarint(2n).string('UNIT').string(unit).string('HELP').string(help);
  }
  return sink.finish();
}

function decodeEach<T>(record: Uint8Array, type: number, decode: (cursor: RecordCursor) => T): T[] {
  if (record[0] !== type) throw malformed(record[0], `type ${type} was expected`);
  const cursor = new RecordCursor(record);
  const entries: T[] = [];
  while (!cursor.atEnd) entries.push(decode(cursor));
  return entries;
}

/** Types whose entries are differences to the ref and the time of the first. */
function decodeBased<T>(
  record: Uint8Array,
  type: number,
  decode: (cursor: RecordCursor, ref: number, timestampMs: bigint) => T,
): T[] {
  let base: { ref: bigint; timestampMs: bigint } | undefined;
  return decodeEach(record, type, (cursor) => {
    base ??= { ref: cursor.u64(), timestampMs: cursor.i64() };
    const ref = cursor.ref(base.ref + cursor.svarint());
    return decode(cursor, ref, BigInt.asIntN(64, base.timestampMs + cursor.svarint()));
  });
}

function encodeBased<T extends SampleEntry>(
  type: number,
  entries: readonly T[],
  encode: (sink: RecordSink, entry: T) => void,
): Uint8Array {
  const sink = new RecordSink(type);
  const [first] = entries;
  if (first !== undefined) sink.u64(BigInt(first.ref)).u64(first.timestampMs);
  for (const entry of entries) {
    // `first` is there when any entry is.
    const base = first ?? entry;
    sink.svarint(BigInt(entry.ref - base.ref)).svarint(BigInt.asIntN(64, entry.timestampMs - base.timestampMs));
    encode(sink, entry);
  }
  return sink.finish();
}

function labelsAt(cursor: RecordCursor): Labels {
  const labels: { name: string; value: string }[] = [];
  for (let left = cursor.count(); left > 0; left -= 1) labels.push({ name: cursor.string(), value: cursor.string() });
  return labels;
}

/** Collects a record. */
export class RecordSink {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  constructor(type: number) {
    this.u8(type);
  }

  u8(byte: number): this {
    this.#room(1)[this.#length++] = byte;
    return this;
  }

  u64(value: bigint): this {
    this.#length = this.#room(8).writeBigUInt64BE(BigInt.asUintN(64, value), this.#length);
    return this;
  }

  f64(value: number): this {
    this.#length = this.#room(8).writeDoubleBE(value, this.#length);
    return this;
  }

  floats(values: Float64Array): this {
    for (const bits of new BigUint64Array(values.buffer, values.byteOffset, values.length)) this.u64(bits);
    return this;
  }

  uvarint(value: bigint): this {
    for (; value >= 0x80n; value >>= 7n) this.u8(Number(value & 0x7fn) | 0x80);
    return this.u8(Number(value));
  }

  svarint(value: bigint): this {
    return this.uvarint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  string(text: string): this {
    const bytes = Buffer.from(text);
    return this.uvarint(BigInt(bytes.length)).raw(bytes);
  }

  labels(labels: Labels): this {
    this.uvarint(BigInt(labels.length));
    for (const { name, value } of labels) this.string(name).string(value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length).set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(count: number): Buffer {
    if (this.#length + count > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#length + count, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
