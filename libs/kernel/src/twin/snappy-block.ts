import { messageTooLarge, snappyCorrupt } from '../message-error.js';

/**
 * Snappy's block format with S2's repeat offsets, element by element: the twin of the decoder and encoder in
 * assembly/snappy.ts, whose header describes the bytes.
 */
export function decodeBlock(bytes: Uint8Array, bytesMax: number): Buffer {
  const { length, size } = readBlockLength(bytes);
  const { pieces, contentLength } = readElements(bytes.subarray(size), length);
  if (contentLength !== length) throw snappyCorrupt();
  if (length > bytesMax) throw messageTooLarge(bytesMax);
  const content = Buffer.alloc(length);
  let to = 0;
  for (const piece of pieces) {
    if ('literal' in piece) {
      content.set(piece.literal, to);
      to += piece.literal.length;
    } else {
      // Byte by byte, since a copy may repeat what it has just written.
      for (let count = 0; count < piece.length; count += 1, to += 1) content[to] = content[to - piece.offset]!;
    }
  }
  return content;
}

/** The length that a block declares, and how many bytes say so. */
export function readBlockLength(bytes: Uint8Array): { length: number; size: number } {
  let length = 0n;
  for (let size = 0; size < 10; size += 1) {
    const byte = bytes[size];
    if (byte === undefined) throw snappyCorrupt();
    length |= BigInt(byte & 0x7f) << BigInt(size * 7);
    if (byte < 0x80) {
      if (length > 0xffffffffn) throw snappyCorrupt();
      return { length: Number(length), size: size + 1 };
    }
  }
  throw snappyCorrupt();
}

type Piece = { readonly literal: Uint8Array } | { readonly offset: number; readonly length: number };

function readElements(bytes: Uint8Array, lengthMax: number): { pieces: Piece[]; contentLength: number } {
  const pieces: Piece[] = [];
  let contentLength = 0;
  let offset = 0;
  let at = 0;
  const take = (count: number): number => {
    if (at + count > bytes.length) throw snappyCorrupt();
    let value = 0;
    for (let index = 0; index < count; index += 1) value += bytes[at++]! * 256 ** index;
    return value;
  };
  while (at < bytes.length) {
    const tag = take(1);
    let length = (tag >> 2) + 1;
    switch (tag & 3) {
      case 0:
        if (length > 60) length = take(length - 60) + 1;
        if (at + length > bytes.length) throw snappyCorrupt();
        pieces.push({ literal: bytes.subarray(at, at + length) });
        at += length;
        break;
      case 1: {
        const near = ((tag >> 5) << 8) + take(1);
        const code = (tag >> 2) & 7;
        length = code + 4;
        if (near > 0) offset = near;
        else if (code === 5) length = take(1) + 8;
        else if (code === 6) length = take(2) + 260;
        else if (code === 7) length = take(3) + 65540;
        break;
      }
      default:
        offset = take((tag & 3) === 2 ? 2 : 4);
    }
    if ((tag & 3) !== 0) {
      if (offset === 0 || offset > contentLength) throw snappyCorrupt();
      pieces.push({ offset, length });
    }
    contentLength += length;
    if (contentLength > lengthMax) throw snappyCorrupt();
  }
  return { pieces, contentLength };
}

/** The simplest encoding there is: literals of up to 64 KiB, and no copies. */
export function encodeBlock(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  const preamble: number[] = [];
  let length = bytes.length;
  for (; length >= 0x80; length = Math.floor(length / 128)) preamble.push((length & 0x7f) | 0x80);
  preamble.push(length);
  parts.push(Uint8Array.from(preamble));
  for (let at = 0; at < bytes.length; at += 65536) {
    const literal = bytes.subarray(at, at + 65536);
    const count = literal.length - 1;
    parts.push(count < 60 ? Uint8Array.of(count << 2) : Uint8Array.of(0xf4, count & 0xff, count >> 8), literal);
  }
  return Buffer.concat(parts);
}
