import { MiB, OperationalError } from '@gauntlet/base';
import type { VfsFile } from '@gauntlet/vfs';
import { FileWindow } from './file-window.js';
import {
  type RecordPrefix,
  checksumMatches,
  decodePrefix,
  fileHeader,
  fileHeaderBytes,
  isKnownEncoding,
  recordBytesMin,
  recordPrefixBytesMax,
  refusalOf,
} from './record.js';

/** How far a file could be read. */
export interface FileOutcome {
  /** Behind the last good chunk; 0 when not even the header is good. */
  readonly goodEnd: number;
  readonly problem?: string;
  /** The file was made, and nothing of it reached the disk: it is short or all zeros. */
  readonly isBlank?: boolean;
}

export interface FileVisitor {
  /** The bytes are valid during the call only. An error of kind `corrupt` says that the chunk is wrong, and counts as damage there. */
  onChunk(prefix: RecordPrefix, offset: number, data: Uint8Array): void;
  /** Called between pieces; may throw to end it. */
  onPiece(bytesDone: number): void;
}

/** Bytes behind a stretch of zeros in which a chunk is looked for. */
const searchBytes = MiB;

/**
 * Visits the chunks of one file. A file ends (1) with its last byte, (2) with fewer than 34 bytes, all zero, or (3) with a record whose ref
 * and times are zero, when no whole chunk lies behind the zeros: then they are a hole that a power loss left, and damage.
 */
export async function readChunkFile(file: VfsFile, size: number, visitor: FileVisitor): Promise<FileOutcome> {
  const window = new FileWindow(file, size);
  const headerProblem = await checkHeader(window);
  if (headerProblem !== undefined) return headerProblem;
  let offset = fileHeaderBytes;
  for (;;) {
    const left = size - offset;
    if (left === 0) return { goodEnd: offset };
    const prefixBytes = Math.min(left, recordPrefixBytesMax);
    if (!window.has(offset, prefixBytes)) {
      visitor.onPiece(offset);
      if (!(await window.load(offset, prefixBytes))) return shrunk(offset);
    }
    if (left < recordBytesMin) {
      if ((await window.nextNonZero(offset)) === size) return { goodEnd: offset };
      return { goodEnd: offset, problem: `${left} bytes at the end are no chunk` };
    }
    if (isZeroRecord(window, offset)) return endOfZeros(window, offset);
    const prefix = decodePrefix(window.bytes, window.indexOf(offset), left);
    if (typeof prefix === 'string') return { goodEnd: offset, problem: prefix };
    if (!(await window.load(offset, prefix.length))) return shrunk(offset);
    const index = window.indexOf(offset);
    if (!checksumMatches(window.bytes, index, prefix.length)) {
      return { goodEnd: offset, problem: 'its checksum does not match' };
    }
    const problem = refusalOf(prefix) ?? visit(visitor, prefix, offset, window.bytes, index);
    if (problem !== undefined) return { goodEnd: offset, problem };
    offset += prefix.length;
  }
}

function shrunk(goodEnd: number): FileOutcome {
  return { goodEnd, problem: 'the file became shorter while it was read' };
}

async function checkHeader(window: FileWindow): Promise<FileOutcome | undefined> {
  const count = Math.min(window.size, fileHeaderBytes);
  if (!(await window.load(0, count))) return shrunk(0);
  const found = window.bytes.subarray(0, count);
  if (found.equals(fileHeader)) return undefined;
  const start = `${count === 0 ? 'nothing' : found.toString('hex')}`;
  const isPart = count < fileHeaderBytes && found.equals(fileHeader.subarray(0, count));
  const isBlank = isPart || (await window.nextNonZero(0)) === window.size;
  return { goodEnd: 0, problem: `its header is ${start}`, isBlank };
}

/** Ref and both times. Loaded are at least as many bytes. */
function isZeroRecord(window: FileWindow, offset: number): boolean {
  const { bytes } = window;
  const index = window.indexOf(offset);
  for (let at = index; at < index + 24; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

/** Says what is wrong when the visitor refuses the chunk. Encodings of the future are passed over. */
function visit(
  visitor: FileVisitor,
  prefix: RecordPrefix,
  offset: number,
  bytes: Buffer,
  index: number,
): string | undefined {
  if (!isKnownEncoding(prefix.encoding)) return undefined;
  const dataAt = index + prefix.dataStart;
  try {
    visitor.onChunk(prefix, offset, bytes.subarray(dataAt, dataAt + prefix.dataLength));
    return undefined;
  } catch (error) {
    if (error instanceof OperationalError && error.kind === 'corrupt') return error.message;
    throw error;
  }
}

async function endOfZeros(window: FileWindow, offset: number): Promise<FileOutcome> {
  const nonZero = await window.nextNonZero(offset);
  if (nonZero === window.size || !(await hasChunk(window, Math.max(offset, nonZero - 7)))) return { goodEnd: offset };
  return { goodEnd: offset, problem: `zeros where chunks were, as far as byte ${nonZero}` };
}

/** Looks for a whole chunk, with a matching checksum, in the 1 MiB from `from` on. */
async function hasChunk(window: FileWindow, from: number): Promise<boolean> {
  const count = Math.min(searchBytes, window.size - from);
  if (!(await window.load(from, count))) return false;
  const first = window.indexOf(from);
  // What looks like chunks and is none costs a checksum each: there is a bound on that, too.
  let checksumBytesLeft = 16 * MiB;
  const { bytes } = window;
  for (let at = first; at + recordBytesMin <= first + count && checksumBytesLeft > 0; at += 1) {
    // A ref or time that we could name begins like this.
    if (bytes.readUInt16BE(at) !== 0) continue;
    const prefix = decodePrefix(bytes, at, first + count - at);
    if (typeof prefix === 'string' || !isKnownEncoding(prefix.encoding)) continue;
    if (refusalOf(prefix) !== undefined) continue;
    checksumBytesLeft -= prefix.length;
    if (checksumMatches(bytes, at, prefix.length)) return true;
  }
  return false;
}
