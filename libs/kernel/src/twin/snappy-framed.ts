import { messageTooLarge, snappyCorrupt } from '../message-error.js';
import { crc32c } from './crc32c.js';
import { decodeBlock, readBlockLength } from './snappy-block.js';

const chunkBytesMax = 65536;
const identifiers = ['sNaPpY', 'S2sTwO'];

/** Snappy's framing format, chunk by chunk: the twin of assembly/snappy.ts, whose header describes the bytes. */
export function decodeStream(bytes: Uint8Array, bytesMax: number): Buffer {
  const chunks = readChunks(bytes);
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (total > bytesMax) throw messageTooLarge(bytesMax);
  return Buffer.concat(
    chunks.map(({ compressed, checksum, content, length }) => {
      const plain = compressed ? decodeBlock(content, length) : content;
      if (maskedChecksum(plain) !== checksum) throw snappyCorrupt();
      return plain;
    }),
  );
}

interface Chunk {
  readonly compressed: boolean;
  readonly checksum: number;
  readonly content: Uint8Array;
  /** Of the plain content. */
  readonly length: number;
}

/** The chunks with content, after the rules that hold without looking into them. */
function readChunks(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  let identified = false;
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw snappyCorrupt();
    const type = bytes[at]!;
    const size = view.getUint32(at, true) >>> 8;
    if (!identified && type !== 0xff) throw snappyCorrupt();
    at += 4 + size;
    if (type >= 0x80 && type !== 0xff) continue;
    if (at > bytes.length) throw snappyCorrupt();
    if (type === 0xff) {
      if (!identifiers.includes(Buffer.from(bytes.subarray(at - size, at)).toString('latin1'))) throw snappyCorrupt();
      identified = true;
      continue;
    }
    if (type > 1 || size < 4) throw snappyCorrupt();
    const content = bytes.subarray(at - size + 4, at);
    const length = type === 0 ? readBlockLength(content).length : content.length;
    if (length > chunkBytesMax) throw snappyCorrupt();
    chunks.push({ compressed: type === 0, checksum: view.getUint32(at - size, true), content, length });
  }
  return chunks;
}

/** Stores every chunk as it is. Nothing makes nothing. */
export function encodeStream(bytes: Uint8Array): Buffer {
  if (bytes.length === 0) return Buffer.alloc(0);
  const parts: Uint8Array[] = [Buffer.from('ff060000734e61507059', 'hex')];
  for (let at = 0; at < bytes.length; at += chunkBytesMax) {
    const content = bytes.subarray(at, at + chunkBytesMax);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(1 + (content.length + 4) * 256, 0);
    head.writeUInt32LE(maskedChecksum(content), 4);
    parts.push(head, content);
  }
  return Buffer.concat(parts);
}

function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
