import { crc32c } from '@gauntlet/kernel';
import type { Vfs } from '@gauntlet/vfs';
import { Cursor, MalformedError } from './cursor.js';
import { FileSource } from './file-source.js';
import type { Reporter } from './finding.js';
import type { Progress } from './progress.js';
import { verifySamples } from './verify-samples.js';

const invariant = 'chunks_head';
const magic = 0x0130bc91;
/** Behind zeros, chunks are looked for in so many bytes. */
const searchBytes = 1024 * 1024;
const headerBytes = 8;
const recordHeadBytes = 24 + 1;
const lengthBytesMax = 5;
/** A reader takes fewer bytes for padding. */
const recordBytesMin = 34;
const outOfOrderBit = 0x80;
const lastEncoding = 6;

export interface HeadChunk {
  readonly file: number;
  readonly offset: number;
  readonly ref: number;
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
  readonly encoding: number;
  readonly isOutOfOrder: boolean;
  readonly data: Uint8Array;
}

/**
 * The rules of spec/tsdb.md 3.1 and section 8 for head chunks, without the mending that a start does. Memory grows by
 * some 60 bytes for each series. Returns the number of chunks.
 */
export async function verifyHeadChunks(
  vfs: Vfs,
  dir: string,
  { report, progress }: { readonly report: Reporter; readonly progress: Progress },
): Promise<number> {
  const ends = new Map<number, bigint>();
  let chunks = 0;
  await scanHeadChunks(vfs, dir, report, {
    onChunk(chunk) {
      progress.throwIfStopped();
      chunks += 1;
      const place = { file: fileName(chunk.file), offset: chunk.offset };
      verifyOrder(chunk, ends, report, place);
      if (chunk.encoding < 1 || chunk.encoding > lastEncoding)
        report.warning(invariant, place, `a chunk has the unknown encoding ${chunk.encoding}, and is passed over`);
      else verifySamples(chunk, chunk, { report, place, what: `of series ${chunk.ref}`, invariant });
    },
    onFile: (bytes) => progress.add(bytes),
  });
  return chunks;
}

function verifyOrder(
  { ref, minTimeMs, maxTimeMs, isOutOfOrder }: HeadChunk,
  ends: Map<number, bigint>,
  report: Reporter,
  place: { file: string; offset: number },
): void {
  if (ref === 0) report.error(invariant, place, 'a chunk is of series 0, and references start at 1');
  if (minTimeMs > maxTimeMs) report.error(invariant, place, `a chunk of series ${ref} ends before it begins`);
  if (isOutOfOrder) return;
  const end = ends.get(ref);
  if (end !== undefined && minTimeMs <= end)
    report.error(
      invariant,
      place,
      `a chunk of series ${ref} begins at ${minTimeMs}, and the one before it ends at ${end}`,
    );
  ends.set(ref, maxTimeMs);
}

const fileName = (file: number): string => String(file).padStart(6, '0');

interface HeadChunkVisitor {
  /** `data` are valid during the call only. */
  readonly onChunk: (chunk: HeadChunk) => void;
  readonly onFile?: (bytes: number) => void;
}

/** Visits every chunk that can be read, and changes nothing; a damaged file ends where the damage is, and later ones are read all the same. */
export async function scanHeadChunks(
  vfs: Vfs,
  dir: string,
  report: Reporter,
  visitor: HeadChunkVisitor,
): Promise<void> {
  const files: { readonly number: number; readonly name: string }[] = [];
  for (const { name } of await vfs.readDir(dir)) {
    if (/^\d+$/.test(name)) files.push({ number: Number(name), name });
    else report.info(invariant, name, 'no reader opens it; damaged files are set aside like this');
  }
  files.sort((a, b) => a.number - b.number);
  for (const [at, { number, name }] of files.entries()) {
    const last = files[at - 1];
    if (last !== undefined && number !== last.number + 1)
      report.error(invariant, name, `file ${fileName(last.number + 1)} is missing`);
    const source = await FileSource.open(vfs, `${dir}/${name}`, name);
    try {
      await scanFile(source, { number, isLast: at === files.length - 1 }, report, visitor.onChunk);
      visitor.onFile?.(source.size);
    } finally {
      await source.close();
    }
  }
}

async function scanFile(
  source: FileSource,
  { number, isLast }: { readonly number: number; readonly isLast: boolean },
  report: Reporter,
  onChunk: HeadChunkVisitor['onChunk'],
): Promise<void> {
  const { name: file, size } = source;
  if (!(await verifyHeader(source, isLast, report))) return;
  for (let offset = headerBytes; offset < size;) {
    const place = { file, offset };
    const left = size - offset;
    const head = await source.read(offset, Math.min(left, recordHeadBytes + lengthBytesMax));
    if (left < recordBytesMin) {
      if (head.some((byte) => byte !== 0))
        report.error(invariant, place, `the last ${left} bytes are no chunk, and not zero`);
      return;
    }
    if (head.subarray(0, 24).every((byte) => byte === 0)) {
      const stray = await findNonZero(source, offset);
      if (stray === undefined) return;
      const found = `zeros end the file here, and byte ${stray} is not zero`;
      // The first bytes of a ref are zeros too.
      if (await holdsChunk(source, { number, offset: Math.max(offset, stray - 7) }))
        report.error(invariant, place, found);
      else report.info(invariant, place, `${found}, as a loss of power leaves it; no chunk lies there`);
      return;
    }
    const chunk = parseHead(head, number, offset);
    if (chunk === undefined) return report.error(invariant, place, 'the length of a chunk has no end');
    if (chunk.length > left) {
      const found = `the file ends ${chunk.length - left} bytes before the chunk does`;
      if (isLast) report.info(invariant, place, `${found}, as a crash leaves it; a start cuts it off`);
      else report.error(invariant, place, found);
      return;
    }
    const record = await source.read(offset, chunk.length);
    if (new Cursor(record.subarray(-4)).uint32() !== crc32c(record.subarray(0, -4)))
      return report.error(invariant, place, 'the checksum of a chunk does not match');
    onChunk({ ...chunk, data: record.subarray(chunk.dataStart, -4) });
    offset += chunk.length;
  }
}

async function verifyHeader(source: FileSource, isLast: boolean, report: Reporter): Promise<boolean> {
  const { name: file, size } = source;
  const head = new Cursor(await source.read(0, Math.min(size, headerBytes)));
  const found = size < 4 ? 0 : head.uint32();
  if (isLast && found === 0) {
    report.info(invariant, file, 'nothing of the file has reached the disk; a start removes it');
    return false;
  }
  if (size < headerBytes || found !== magic) {
    report.error(
      invariant,
      { file, offset: 0 },
      size < headerBytes ? `${size} bytes are too few` : `the magic number is ${found.toString(16)}`,
    );
    return false;
  }
  const version = head.byte();
  if (version === 1) return true;
  report.error(invariant, { file, offset: 4 }, `the version is ${version}`);
  return false;
}

type HeadFields = Omit<HeadChunk, 'data'> & { readonly dataStart: number; readonly length: number };

function parseHead(head: Uint8Array, file: number, offset: number): HeadFields | undefined {
  const cursor = new Cursor(head);
  const int64 = (): bigint => BigInt.asIntN(64, (BigInt(cursor.uint32()) << 32n) | BigInt(cursor.uint32()));
  const ref = cursor.uint64();
  const minTimeMs = int64();
  const maxTimeMs = int64();
  const encoding = cursor.byte();
  try {
    const dataLength = cursor.uvarint();
    return {
      file,
      offset,
      ref,
      minTimeMs,
      maxTimeMs,
      encoding: encoding & ~outOfOrderBit,
      isOutOfOrder: (encoding & outOfOrderBit) !== 0,
      dataStart: cursor.at,
      length: cursor.at + dataLength + 4,
    };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Whether a whole chunk lies in the MiB from an offset on. */
async function holdsChunk(
  source: FileSource,
  { number, offset }: { readonly number: number; readonly offset: number },
): Promise<boolean> {
  const bytes = await source.read(offset, Math.min(searchBytes, source.size - offset));
  // What looks like chunks and is none costs a checksum each.
  let checksumBytesLeft = 16 * searchBytes;
  for (let at = 0; at + recordBytesMin <= bytes.length && checksumBytesLeft > 0; at += 1) {
    const chunk = parseHead(bytes.subarray(at, at + recordHeadBytes + lengthBytesMax), number, offset + at);
    if (chunk === undefined || chunk.encoding < 1 || chunk.encoding > lastEncoding) continue;
    if (chunk.length > bytes.length - at) continue;
    checksumBytesLeft -= chunk.length;
    const record = bytes.subarray(at, at + chunk.length);
    if (new Cursor(record.subarray(-4)).uint32() === crc32c(record.subarray(0, -4))) return true;
  }
  return false;
}

async function findNonZero(source: FileSource, from: number): Promise<number | undefined> {
  for (let at = from; at < source.size; at += 65536) {
    const bytes = await source.read(at, Math.min(65536, source.size - at));
    const found = bytes.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
  }
  return undefined;
}
