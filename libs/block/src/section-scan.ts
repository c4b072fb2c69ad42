import { KiB } from '@gauntlet/base';
import { ByteCursor } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';

const pieceBytes = 256 * KiB;

/** A section as it lies in the file: length, body, checksum. */
export interface SectionPlace {
  /** Where the body begins. */
  readonly bodyAt: number;
  readonly bodyBytes: number;
}

/** Finds out where a section ends, which is within the file. */
export async function locateSection(source: ByteSource, offset: number): Promise<SectionPlace> {
  const origin = { part: 'INDEX', file: source.name, offset } as const;
  if (offset + 8 > source.size) throw new BlockCorruptError('INDEX', origin, 'section lies outside the file');
  const length = new ByteCursor(await source.read(offset, 4), origin).uint32();
  if (offset + 8 + length > source.size)
    throw new BlockCorruptError('INDEX', origin, `section of ${length} bytes reaches past the end of the file`);
  return { bodyAt: offset + 4, bodyBytes: length };
}

/**
 * Hands out a section piece by piece and compares its checksum behind the last one. Whoever scans says how many bytes it has dealt with; the rest comes
 * again, with more behind it. What it scans has not been verified yet.
 * @param scan takes bytes, which begin at a position of the body; they are the last ones if `isLast`
 */
export async function scanSection(
  source: ByteSource,
  { bodyAt, bodyBytes }: SectionPlace,
  scan: (bytes: Uint8Array, position: number, isLast: boolean) => number,
): Promise<void> {
  let sum = 0;
  let rest: Uint8Array = new Uint8Array();
  for (let at = 0; at < bodyBytes;) {
    const length = Math.min(Math.max(pieceBytes, rest.length), bodyBytes - at);
    const piece = await source.read(bodyAt + at, length);
    sum = crc32c(piece, sum);
    const bytes = rest.length === 0 ? piece : joined(rest, piece);
    const position = at - rest.length;
    at += length;
    const taken = scan(bytes, position, at === bodyBytes);
    rest = bytes.subarray(taken);
  }
  const file = source.name;
  const stored = new ByteCursor(await source.read(bodyAt + bodyBytes, 4), {
    part: 'INDEX',
    file,
    offset: bodyAt + bodyBytes,
  });
  if (stored.uint32() !== sum)
    throw new BlockCorruptError('INDEX', { file, offset: bodyAt }, 'checksum does not match');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
