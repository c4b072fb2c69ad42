import { ByteCursor } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';
import { chunkSegmentHeaderBytes, chunkSegmentMagic, chunkSegmentVersion } from './chunk-writer.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';
import { uvarintAt, uvarintEndWithin } from './fast-varint.js';

export interface StoredChunk {
  readonly encoding: number;
  readonly data: Uint8Array;
}

/** Most chunks are smaller: one read fetches the length and the rest. */
const guessBytes = 2048;
const lengthBytesMax = 5;
const sumBytes = 4;

/**
 * Checks magic and version of a segment, as is done once for each when a block is opened.
 * @throws BlockCorruptError (code BLOCK_CHUNK_CORRUPT)
 */
export async function checkChunkSegment(segment: ByteSource): Promise<void> {
  const header = await segment.read(0, Math.min(chunkSegmentHeaderBytes, segment.size));
  const cursor = new ByteCursor(header, { part: 'CHUNK', file: segment.name, offset: 0 });
  const magic = cursor.uint32();
  if (magic !== chunkSegmentMagic) throw cursor.corrupt(`magic number is ${magic.toString(16)}`);
  const version = cursor.byte();
  if (version !== chunkSegmentVersion) throw cursor.corrupt(`version is ${version}`);
  cursor.bytes(3);
}

/**
 * Reads a chunk and verifies its checksum.
 * @param segments in the order of their names
 * @throws BlockCorruptError (code BLOCK_CHUNK_CORRUPT)
 */
export async function readChunk(segments: readonly ByteSource[], ref: number): Promise<StoredChunk> {
  const index = Math.floor(ref / 2 ** 32);
  const offset = ref % 2 ** 32;
  const segment = segments[index];
  if (segment === undefined)
    throw new BlockCorruptError('CHUNK', { file: `chunk segment ${index}`, offset }, 'there is no such segment');
  const origin = { part: 'CHUNK', file: segment.name, offset } as const;
  if (offset < chunkSegmentHeaderBytes || offset >= segment.size)
    throw new BlockCorruptError('CHUNK', origin, 'the reference points outside');

  const available = segment.size - offset;
  const bytes = await segment.read(offset, Math.min(guessBytes, available));
  const chunk = chunkInBytes(segment, offset, bytes, 0);
  return typeof chunk === 'number' ? wholeChunk(segment, offset, await segment.read(offset, chunk)) : chunk;
}

/**
 * The chunk at `offset` of a segment, whose bytes begin at `at`, verified; how many bytes it takes when these are not all.
 * @throws BlockCorruptError (code BLOCK_CHUNK_CORRUPT)
 */
export function chunkInBytes(segment: ByteSource, offset: number, bytes: Uint8Array, at: number): StoredChunk | number {
  const lengthEnd = uvarintEndWithin(bytes, at, Math.min(bytes.length, at + lengthBytesMax));
  if (lengthEnd < 0) {
    const isCut = lengthEnd === -1 && bytes.length < at + lengthBytesMax && offset + bytes.length - at < segment.size;
    if (isCut) return Math.min(lengthBytesMax, segment.size - offset);
    throw new BlockCorruptError('CHUNK', { file: segment.name, offset }, 'length of the chunk is out of range');
  }
  const length = uvarintAt(bytes, at);
  const end = lengthEnd + 1 + length;
  if (offset + end + sumBytes - at > segment.size)
    throw new BlockCorruptError(
      'CHUNK',
      { file: segment.name, offset },
      `chunk of ${length} bytes reaches past the end of the segment`,
    );
  if (end + sumBytes > bytes.length) return end + sumBytes - at;
  const sum = ((bytes[end]! << 24) | (bytes[end + 1]! << 16) | (bytes[end + 2]! << 8) | bytes[end + 3]!) >>> 0;
  if (sum !== crc32c(bytes, 0, lengthEnd, end))
    throw new BlockCorruptError('CHUNK', { file: segment.name, offset }, 'checksum does not match');
  return { encoding: bytes[lengthEnd]!, data: bytes.subarray(lengthEnd + 1, end) };
}

function wholeChunk(segment: ByteSource, offset: number, bytes: Uint8Array): StoredChunk {
  const chunk = chunkInBytes(segment, offset, bytes, 0);
  if (typeof chunk !== 'number') return chunk;
  throw new BlockCorruptError('CHUNK', { file: segment.name, offset }, 'its length has changed between two reads');
}
