import { ByteCursor } from './byte-cursor.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';
import { putUint32, putUvarint, putVarint } from './integers.js';

export const tombstonesMagic = 0x0130ba30;
export const tombstonesVersion = 1;

export const tombstonesHeaderBytes = 5;
const stoneBytesMax = 30;
const file = 'tombstones';

/** Deleted times, both ends included. The ends of int64 read as ±2^63, and are written from ±Infinity too. */
export interface Interval {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/** By series reference; intervals sorted, disjoint, and merged where they touch. */
export type Tombstones = ReadonlyMap<number, readonly Interval[]>;

/** Adds an interval, and merges it with those it overlaps or touches: a gap of a millisecond is none. */
export function addInterval(intervals: readonly Interval[], added: Interval): readonly Interval[] {
  const before = intervals.filter(({ maxTimeMs }) => maxTimeMs + 1 < added.minTimeMs);
  const after = intervals.filter(({ minTimeMs }) => minTimeMs > added.maxTimeMs + 1);
  let { minTimeMs, maxTimeMs } = added;
  for (const touched of intervals.slice(before.length, intervals.length - after.length)) {
    minTimeMs = Math.min(minTimeMs, touched.minTimeMs);
    maxTimeMs = Math.max(maxTimeMs, touched.maxTimeMs);
  }
  return [...before, { minTimeMs, maxTimeMs }, ...after];
}

/** The same as adding them one by one, in n log n steps: a file may hold a million of one series. */
function mergeIntervals(intervals: Interval[]): readonly Interval[] {
  intervals.sort((a, b) => a.minTimeMs - b.minTimeMs);
  const merged: Interval[] = [];
  for (const next of intervals) {
    const last = merged.at(-1);
    if (last === undefined || last.maxTimeMs + 1 < next.minTimeMs) merged.push(next);
    else if (next.maxTimeMs > last.maxTimeMs)
      merged[merged.length - 1] = { minTimeMs: last.minTimeMs, maxTimeMs: next.maxTimeMs };
  }
  return merged;
}

/**
 * ```
 * u32 magic 0130BA30 | u8 version = 1 | repeat: uvarint ref, varint mint, varint maxt | u32 crc32c(stones only)
 * ```
 * Series go in the order of their references.
 */
export function encodeTombstones(tombstones: Tombstones): Uint8Array {
  const series = [...tombstones].sort(([a], [b]) => a - b);
  const count = series.reduce((sum, [, intervals]) => sum + intervals.length, 0);
  const bytes = new Uint8Array(tombstonesHeaderBytes + count * stoneBytesMax + 4);
  putUint32(bytes, 0, tombstonesMagic);
  bytes[4] = tombstonesVersion;
  let at = tombstonesHeaderBytes;
  for (const [ref, intervals] of series) {
    for (const { minTimeMs, maxTimeMs } of intervals) {
      at = putUvarint(bytes, at, ref);
      at = putVarint(bytes, at, minTimeMs);
      at = putVarint(bytes, at, maxTimeMs);
    }
  }
  return bytes.slice(0, putUint32(bytes, at, crc32c(bytes, 0, tombstonesHeaderBytes, at)));
}

/** @throws BlockCorruptError (code BLOCK_TOMBSTONES_CORRUPT) */
export function decodeTombstones(bytes: Uint8Array): Tombstones {
  const header = new ByteCursor(bytes, { part: 'TOMBSTONES', file, offset: 0 });
  if (bytes.length < tombstonesHeaderBytes + 4) throw header.corrupt(`${bytes.length} bytes are too few`);
  const magic = header.uint32();
  if (magic !== tombstonesMagic) throw header.corrupt(`magic number is ${magic.toString(16)}`);
  const version = header.byte();
  if (version !== tombstonesVersion) throw header.corrupt(`version is ${version}`);
  const end = bytes.length - 4;
  header.at = end;
  if (header.uint32() !== crc32c(bytes, 0, tombstonesHeaderBytes, end))
    throw new BlockCorruptError('TOMBSTONES', { file, offset: end }, 'checksum does not match');

  const bySeries = new Map<number, Interval[]>();
  const stones = new ByteCursor(bytes.subarray(tombstonesHeaderBytes, end), {
    part: 'TOMBSTONES',
    file,
    offset: tombstonesHeaderBytes,
  });
  while (!stones.isAtEnd) {
    const ref = stones.uvarint();
    const interval = { minTimeMs: Number(stones.varint64()), maxTimeMs: Number(stones.varint64()) };
    // One that ends before it begins deletes nothing.
    if (interval.maxTimeMs < interval.minTimeMs) continue;
    const intervals = bySeries.get(ref);
    if (intervals === undefined) bySeries.set(ref, [interval]);
    else intervals.push(interval);
  }
  const tombstones = new Map<number, readonly Interval[]>();
  for (const [ref, intervals] of bySeries) tombstones.set(ref, mergeIntervals(intervals));
  return tombstones;
}
