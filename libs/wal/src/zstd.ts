import { KiB, MiB } from '@gauntlet/base';
import { decompress } from 'fzstd';

const magic = 0xfd2fb528;
const blockBytesMax = 128 * KiB;
/** Every reader has to take a window of that size. */
const windowBytesMin = 8 * MiB;
const blockType = { raw: 0, repeated: 1, compressed: 2 } as const;

/**
 * Decompresses a Zstandard frame, which is how a record may be stored (spec/tsdb.md 2.2). The headers of the frame and of its blocks are read
 * first, so that nothing is allocated for a frame that says, or whose blocks may amount to, more than `bytesMax`.
 * @throws Error when it is not one whole frame
 */
export function zstdDecode(stored: Uint8Array, bytesMax: number): Uint8Array {
  checkFrame(stored, bytesMax);
  return decompress(stored);
}

function checkFrame(stored: Uint8Array, bytesMax: number): void {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  // Reads past the end are RangeErrors, which is what a frame that ends early deserves.
  if (view.getUint32(0, true) !== magic) throw new Error('not a Zstandard frame');
  const flags = view.getUint8(4);
  const isSingleSegment = (flags & 0x20) !== 0;
  if ((flags & 0x08) !== 0 || (flags & 0x03) !== 0) throw new Error('reserved bit or dictionary');
  const windowBytes = isSingleSegment ? 0 : windowSize(view.getUint8(5));
  const sizeAt = isSingleSegment ? 5 : 6;
  const sizeBytes = flags >> 6 > 0 ? 1 << (flags >> 6) : Number(isSingleSegment);
  const size = contentSize(view, sizeAt, sizeBytes);
  // What is allocated is the size, or the window of a frame that does not say.
  if (size ? size > bytesMax : windowBytes > Math.max(bytesMax, windowBytesMin)) throw new Error('too large');

  const blockMax = Math.min(blockBytesMax, isSingleSegment ? (size ?? 0) : windowBytes);
  let at = sizeAt + sizeBytes;
  let bytes = 0;
  for (let isLast = false; !isLast;) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    isLast = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const length = header >> 3;
    if (length > blockMax) throw new Error('a block is too large');
    // What a compressed block amounts to is not said. The size of the frame bounds it if there is one, else every block may be full.
    bytes += type !== blockType.compressed ? length : size ? 0 : blockMax;
    at += 3 + (type === blockType.repeated ? 1 : length);
    if (bytes > (size || bytesMax)) throw new Error('blocks exceed the frame');
  }
  if (at + ((flags & 0x04) === 0 ? 0 : 4) !== stored.length) throw new Error('not one whole frame');
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Undefined when the frame does not say. */
function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
