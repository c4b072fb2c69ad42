import { MiB, invariant } from '@gauntlet/base';
import { crc32c } from '@gauntlet/kernel';
import { HeadChunkCorruptError, type HeadChunkPosition } from './head-chunk-error.js';

/*
 * A file of head chunks (spec/tsdb.md 3.1); all integers big-endian:
 *
 *   0            4         5        8
 *   ┌────────────┬─────────┬────────┬────────┬────────┬───
 *   │ 0x0130BC91 │ version │ 0 0 0  │ record │ record │ ...  zeros or nothing
 *   └────────────┴─────────┴────────┴────────┴────────┴───
 *
 *   0     8          16         24         25           25 + n
 *   ┌─────┬──────────┬──────────┬──────────┬────────────┬──────┬────────┐
 *   │ ref │ min time │ max time │ encoding │ length (n) │ data │ crc32c │
 *   └─────┴──────────┴──────────┴──────────┴────────────┴──────┴────────┘
 *
 * ref: u64; times: i64, milliseconds; encoding: u8, its highest bit set for an out-of-order chunk; length: uvarint; crc32c: u32,
 * over all of the record before it.
 */

export const fileHeader: Uint8Array = Uint8Array.of(0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0);
export const fileHeaderBytes = 8;
/** A reader takes fewer bytes at the end of a file for padding, which must be zero. */
export const recordBytesMin = 34;
/** Ref, times and encoding. */
export const recordHeadBytes = 25;
/** Longest prefix of a record that ends with its length field. */
export const recordPrefixBytesMax = recordHeadBytes + 5;
/** With less data a record would be shorter than `recordBytesMin`. A chunk of one sample has 11 bytes. */
export const chunkDataBytesMin = 4;
/** Larger data is not believed: readers hold one chunk in memory. */
export const chunkDataBytesMax = 16 * MiB;
const checksumBytes = 4;
const outOfOrderBit = 0x80;

/** A finished chunk of a series, to be written. */
export interface HeadChunkRecord {
  /** Of the series; from 1. */
  readonly ref: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** 1 to 6 (spec/tsdb.md 1.3). */
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly data: Uint8Array;
}

export function lengthFieldBytes(dataLength: number): number {
  let bytes = 1;
  for (let rest = dataLength; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Bytes of a chunk's record. */
export function recordBytes(dataLength: number): number {
  return recordHeadBytes + lengthFieldBytes(dataLength) + dataLength + checksumBytes;
}

/** Bytes of a record before its data. */
export function dataStart(dataLength: number): number {
  return recordHeadBytes + lengthFieldBytes(dataLength);
}

/** Lays a record out at `at`. Returns its end. */
export function encodeRecord(chunk: HeadChunkRecord, into: Buffer, at: number): number {
  const { ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, data } = chunk;
  invariant(Number.isSafeInteger(ref) && ref > 0, 'a series ref is a positive integer');
  invariant(Number.isSafeInteger(minTimeMs) && Number.isSafeInteger(maxTimeMs), 'times of a chunk are integers');
  invariant(minTimeMs <= maxTimeMs, 'a chunk ends behind its beginning');
  invariant(encoding > 0 && encoding < outOfOrderBit, 'an encoding has seven bits');
  invariant(data.length >= chunkDataBytesMin && data.length <= chunkDataBytesMax, 'a chunk can be read back');
  writeInt64(into, at, ref);
  writeInt64(into, at + 8, minTimeMs);
  writeInt64(into, at + 16, maxTimeMs);
  into[at + 24] = encoding | (isOutOfOrder ? outOfOrderBit : 0);
  let end = at + recordHeadBytes;
  let rest = data.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) into[end++] = (rest % 128) | 128;
  into[end++] = rest;
  into.set(data, end);
  end += data.length;
  into.writeUInt32BE(crc32c(into.subarray(at, end)), end);
  return end + checksumBytes;
}

/** What the bytes before a chunk's data say. */
export interface RecordPrefix {
  readonly ref: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  /** Bytes of the record before the data. */
  readonly dataStart: number;
  readonly dataLength: number;
  /** Bytes of the whole record. */
  readonly length: number;
}

/** Reads the bytes before a chunk's data, `left` bytes before the end of its file; or says what is wrong. At least 26 bytes are there. */
export function decodePrefix(bytes: Buffer, at: number, left: number): RecordPrefix | string {
  let dataLength = 0;
  let start = at + recordHeadBytes;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[start++];
    if (byte === undefined || start - at > recordPrefixBytesMax) return 'the length of its data has no end';
    dataLength += (byte & 127) * scale;
    if (byte < 128) break;
  }
  if (dataLength > chunkDataBytesMax) return `${dataLength} bytes of data are more than a chunk may have`;
  const length = start - at + dataLength + checksumBytes;
  if (length > left) return `the file ends ${length - left} bytes before the chunk does`;
  const ref = readInt64(bytes, at);
  const minTimeMs = readInt64(bytes, at + 8);
  const maxTimeMs = readInt64(bytes, at + 16);
  const encoding = bytes[at + 24]! & ~outOfOrderBit;
  const isOutOfOrder = (bytes[at + 24]! & outOfOrderBit) !== 0;
  return { ref, minTimeMs, maxTimeMs, encoding, isOutOfOrder, dataStart: start - at, dataLength, length };
}

/** Whether the record's checksum matches; all of it is there. */
export function checksumMatches(bytes: Buffer, at: number, length: number): boolean {
  const end = at + length - checksumBytes;
  return crc32c(bytes.subarray(at, end)) === bytes.readUInt32BE(end);
}

/** Says what is wrong with a record whose checksum matches, if anything is: we could not name such a series or time. */
export function refusalOf({ ref, minTimeMs, maxTimeMs, encoding, dataLength }: RecordPrefix): string | undefined {
  if (!Number.isSafeInteger(ref) || ref <= 0) return 'its series ref is out of range';
  if (!Number.isSafeInteger(minTimeMs) || !Number.isSafeInteger(maxTimeMs)) return 'its times are out of range';
  if (minTimeMs > maxTimeMs) return 'it ends before it begins';
  if (isKnownEncoding(encoding) && dataLength < 2) return 'it has no sample count';
  return undefined;
}

export function isKnownEncoding(encoding: number): boolean {
  return encoding >= 1 && encoding <= 6;
}

/** The count that a chunk's data begin with; encodings 5 and 6 keep two flags in it. */
export function sampleCountOf(encoding: number, data: Uint8Array): number {
  const count = data[0]! * 256 + data[1]!;
  return encoding >= 5 ? count & 0x3fff : count;
}

function writeInt64(into: Buffer, at: number, value: number): void {
  into.writeInt32BE(Math.floor(value / 2 ** 32), at);
  into.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, at + 4);
}

/** Inexact, and not a safe integer, beyond 2^53. */
function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/**
 * The data in a record's bytes, as a view.
 * @throws HeadChunkCorruptError when the record is not whole, or its data have another length
 */
export function dataIn(record: Buffer, at: HeadChunkPosition, dataLength: number): Uint8Array {
  const length = recordBytes(dataLength);
  if (record.length < length)
    throw new HeadChunkCorruptError(at, `the file ends ${length - record.length} bytes before it does`);
  const prefix = decodePrefix(record, 0, length);
  if (typeof prefix === 'string') throw new HeadChunkCorruptError(at, prefix);
  if (prefix.dataLength !== dataLength || prefix.length !== length) {
    throw new HeadChunkCorruptError(at, `it has ${prefix.dataLength} bytes of data instead of ${dataLength}`);
  }
  if (!checksumMatches(record, 0, length)) throw new HeadChunkCorruptError(at, 'its checksum does not match');
  return record.subarray(prefix.dataStart, prefix.dataStart + dataLength);
}
