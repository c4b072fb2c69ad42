import { ByteCursor } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';
import { chunkSegmentHeaderBytes, chunkSegmentMagic, chunkSegmentVersion } from './chunk-writer.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';

export interface StoredChunk {
  readonly encoding: number;
  readonly data: Uint8Array;
}

/** Most chunks are smaller: one read fetches the length and the rest. */
const guessBytes = 2048;
const lengthBytesMax = 5;

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
  let bytes = await segment.read(offset, Math.min(guessBytes, available));
  const head = new ByteCursor(bytes.subarray(0, lengthBytesMax), origin);
  const length = head.uvarint();
  const total = head.at + 1 + length + 4;
  if (total > available) throw head.corrupt(`chunk of ${length} bytes reaches past the end of the segment`);
  if (total > bytes.length) bytes = await segment.read(offset, total);

  const end = head.at + 1 + length;
  const cursor = new ByteCursor(bytes.subarray(0, total), origin);
  cursor.at = end;
  if (cursor.uint32() !== crc32c(bytes, 0, head.at, end))
    throw new BlockCorruptError('CHUNK', origin, 'checksum does not match');
  return { encoding: bytes[head.at]!, data: bytes.subarray(head.at + 1, end) };
}
