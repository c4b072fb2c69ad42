import { KiB } from '@gauntlet/base';
import { ByteCursor } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';
import { BlockCorruptError, type BlockPart } from './corrupt.js';
import { crc32c } from './crc32c.js';
import { readIndexToc, readIndexVersion } from './index-reader.js';
import { tombstonesHeaderBytes, tombstonesMagic, tombstonesVersion } from './tombstones.js';

const pieceBytes = 256 * KiB;

/**
 * Checks what is checked of an index when its block is opened (spec/tsdb.md 4.1): header, table of contents, and the checksums of symbols and postings
 * offset table. Holds 256 KiB however long they are; what their bytes mean, and series and postings, are left to those who read them.
 * @throws BlockCorruptError (code BLOCK_INDEX_CORRUPT)
 */
export async function checkIndex(source: ByteSource): Promise<void> {
  await readIndexVersion(source);
  const toc = await readIndexToc(source);
  for (const offset of [toc.symbols, toc.postingsTable]) if (offset !== 0) await checkSection(source, offset);
}

/**
 * Checks header and checksum of a tombstones file, and holds 256 KiB.
 * @throws BlockCorruptError (code BLOCK_TOMBSTONES_CORRUPT)
 */
export async function checkTombstones(source: ByteSource): Promise<void> {
  const { name: file, size } = source;
  const bytesMin = tombstonesHeaderBytes + 4;
  if (size < bytesMin) throw new BlockCorruptError('TOMBSTONES', { file, offset: 0 }, `${size} bytes are too few`);
  const header = new ByteCursor(await source.read(0, tombstonesHeaderBytes), { part: 'TOMBSTONES', file, offset: 0 });
  const magic = header.uint32();
  if (magic !== tombstonesMagic) throw header.corrupt(`magic number is ${magic.toString(16)}`);
  const version = header.byte();
  if (version !== tombstonesVersion) throw header.corrupt(`version is ${version}`);
  await checkSum(source, 'TOMBSTONES', tombstonesHeaderBytes, size - 4);
}

async function checkSection(source: ByteSource, offset: number): Promise<void> {
  const origin = { part: 'INDEX', file: source.name, offset } as const;
  if (offset + 8 > source.size) throw new BlockCorruptError('INDEX', origin, 'section lies outside the file');
  const length = new ByteCursor(await source.read(offset, 4), origin).uint32();
  if (offset + 8 + length > source.size)
    throw new BlockCorruptError('INDEX', origin, `section of ${length} bytes reaches past the end of the file`);
  await checkSum(source, 'INDEX', offset + 4, offset + 4 + length);
}

/** Compares the checksum at `to` with the bytes before it. */
async function checkSum(source: ByteSource, part: BlockPart, from: number, to: number): Promise<void> {
  let sum = 0;
  for (let at = from; at < to; at += pieceBytes) {
    sum = crc32c(await source.read(at, Math.min(pieceBytes, to - at)), sum);
  }
  const stored = new ByteCursor(await source.read(to, 4), { part, file: source.name, offset: to });
  if (stored.uint32() !== sum)
    throw new BlockCorruptError(part, { file: source.name, offset: from }, 'checksum does not match');
}
