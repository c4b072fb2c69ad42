import { RecordCursor } from './record-cursor.js';
import { RecordType, recordType } from './record-type.js';
import { type MetadataEntry, RecordSink, decodeMetadata, encodeMetadata } from './records.js';

export interface CheckpointRule {
  /** Samples and exemplars before it go. */
  readonly minTimeMs: number;
  /** Whether a series stays. */
  readonly keep: (ref: number) => boolean;
}

/**
 * What of a record belongs into a checkpoint (spec/tsdb.md 2.6). Unchanged records pass as they are. Samples are judged by time alone,
 * not by series. A record of types 11 to 13 stays whole when any sample of it does: replay passes over the old ones.
 */
export class CheckpointFilter {
  readonly #rule: CheckpointRule;
  readonly #metadata = new Map<number, MetadataEntry>();

  constructor(rule: CheckpointRule) {
    this.#rule = rule;
  }

  /** The record as it stays, or undefined. Valid as long as `record` is. */
  take(record: Uint8Array): Uint8Array | undefined {
    switch (recordType(record)) {
      case RecordType.series:
        return keepEntries(record, (cursor) => {
          const ref = cursor.ref();
          skipLabels(cursor);
          return this.#rule.keep(ref);
        });
      case RecordType.tombstones:
        return keepEntries(record, (cursor) => {
          const ref = cursor.ref();
          cursor.svarint();
          return Number(cursor.svarint()) >= this.#rule.minTimeMs && this.#rule.keep(ref);
        });
      case RecordType.samples:
        return this.#keepBased(record, (cursor) => cursor.skip(8));
      case RecordType.exemplars:
        return this.#keepBased(record, skipExemplar);
      case RecordType.histograms:
      case RecordType.customBucketHistograms:
        return this.#keepBased(record, skipHistogram);
      case RecordType.floatHistograms:
      case RecordType.customBucketFloatHistograms:
        return this.#keepBased(record, skipFloatHistogram);
      case RecordType.samplesV2:
        return this.#keepWhole(record, (cursor) => cursor.skip(8));
      case RecordType.histogramsV2:
        return this.#keepWhole(record, skipHistogram);
      case RecordType.floatHistogramsV2:
        return this.#keepWhole(record, skipFloatHistogram);
      case RecordType.metadata:
        for (const entry of decodeMetadata(record))
          if (this.#rule.keep(entry.ref)) this.#metadata.set(entry.ref, entry);
        return undefined;
      default:
        return undefined;
    }
  }

  /** The last record of the checkpoint: the newest metadata of each series that stays. */
  metadata(): Uint8Array | undefined {
    return this.#metadata.size === 0 ? undefined : encodeMetadata([...this.#metadata.values()]);
  }

  /** Entries of `sv(ref - ref0) sv(t - t0) body`, behind `ref0` and `t0`. */
  #keepBased(record: Uint8Array, skipBody: (cursor: RecordCursor) => void): Uint8Array | undefined {
    const cursor = new RecordCursor(record);
    if (cursor.atEnd) return undefined;
    cursor.skip(8);
    const minDelta = this.#rule.minTimeMs - Number(cursor.i64());
    let count = 0;
    const kept: number[] = [];
    for (; !cursor.atEnd; count += 1) {
      const start = cursor.at;
      cursor.svarintNear();
      const delta = cursor.svarintNear();
      skipBody(cursor);
      if (delta >= minDelta) kept.push(start);
    }
    if (kept.length === count || kept.length === 0) return kept.length === 0 ? undefined : record;
    return rebased(record, kept, skipBody);
  }

  #keepWhole(record: Uint8Array, skipBody: (cursor: RecordCursor) => void): Uint8Array | undefined {
    const cursor = new RecordCursor(record);
    let firstMs: number | undefined;
    let stays = false;
    while (!cursor.atEnd) {
      cursor.svarintNear();
      const delta = cursor.svarintNear();
      if (firstMs === undefined) cursor.svarintNear();
      else if (cursor.u8() === startTimeExplicit) cursor.svarintNear();
      stays ||= (firstMs ?? 0) + delta >= this.#rule.minTimeMs;
      firstMs ??= delta;
      skipBody(cursor);
    }
    return stays ? record : undefined;
  }
}

const startTimeExplicit = 2;
const customBucketsSchema = -53;

/** Entries that stand for themselves. */
function keepEntries(record: Uint8Array, keep: (cursor: RecordCursor) => boolean): Uint8Array | undefined {
  const cursor = new RecordCursor(record);
  const kept: Uint8Array[] = [];
  let count = 0;
  for (; !cursor.atEnd; count += 1) {
    const start = cursor.at;
    if (keep(cursor)) kept.push(cursor.since(start));
  }
  if (kept.length === count || kept.length === 0) return kept.length === 0 ? undefined : record;
  return Buffer.concat([record.subarray(0, 1), ...kept]);
}

/** The record with the entries at these places alone, which then differ from another first. */
function rebased(record: Uint8Array, starts: readonly number[], skipBody: (cursor: RecordCursor) => void): Uint8Array {
  const cursor = new RecordCursor(record);
  const ref0 = cursor.u64();
  const time0 = cursor.i64();
  const sink = new RecordSink(recordType(record));
  let first: { ref: bigint; time: bigint } | undefined;
  for (const start of starts) {
    cursor.at = start;
    const ref = cursor.svarint();
    const time = cursor.svarint();
    const body = cursor.at;
    skipBody(cursor);
    if (first === undefined) sink.u64(ref0 + ref).u64(time0 + time);
    first ??= { ref, time };
    sink
      .svarint(ref - first.ref)
      .svarint(time - first.time)
      .raw(cursor.since(body));
  }
  return sink.finish();
}

function skipLabels(cursor: RecordCursor): void {
  for (let left = 2 * cursor.count(); left > 0; left -= 1) cursor.skipString();
}

function skipExemplar(cursor: RecordCursor): void {
  cursor.skip(8);
  skipLabels(cursor);
}

function skipHistogram(cursor: RecordCursor): void {
  cursor.skip(1); // Hint.
  const schema = cursor.svarintNear();
  cursor.skip(8); // Zero threshold.
  cursor.svarintNear(); // Zero count.
  cursor.svarintNear(); // Count.
  cursor.skip(8); // Sum.
  skipVarints(cursor, 2 * cursor.count());
  skipVarints(cursor, 2 * cursor.count());
  skipVarints(cursor, cursor.count());
  skipVarints(cursor, cursor.count());
  if (schema === customBucketsSchema) cursor.skip(8 * cursor.count());
}

function skipFloatHistogram(cursor: RecordCursor): void {
  cursor.skip(1); // Hint.
  const schema = cursor.svarintNear();
  cursor.skip(32); // Zero threshold, zero count, count, sum.
  skipVarints(cursor, 2 * cursor.count());
  skipVarints(cursor, 2 * cursor.count());
  cursor.skip(8 * cursor.count());
  cursor.skip(8 * cursor.count());
  if (schema === customBucketsSchema) cursor.skip(8 * cursor.count());
}

function skipVarints(cursor: RecordCursor, count: number): void {
  for (let left = count; left > 0; left -= 1) cursor.svarintNear();
}
