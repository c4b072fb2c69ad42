import { compressSync, uncompressSync } from 'snappy';
import { OperationalError } from '@gauntlet/base';
import { type FrameCodec } from '../frame-codec.js';

const identifier = Buffer.from('ff060000734e61507059', 'hex');
const chunkBytesMax = 65_536;

/** Framed snappy over the snappy package: slow, small, and independent of the codec that the apps hand in. */
export const snappyCodec: FrameCodec = {
  encode(bytes) {
    const parts: Buffer[] = [identifier];
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      const plain = Buffer.from(bytes.subarray(at, at + chunkBytesMax)) as Buffer<ArrayBuffer>;
      const body = compressSync(plain);
      const header = Buffer.alloc(8);
      header.writeUIntLE(body.length + 4, 1, 3);
      header.writeUInt32LE(maskedCrc(plain), 4);
      parts.push(header, body);
    }
    return Buffer.concat(parts);
  },
  decode(bytes, bytesMax) {
    const stream = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const parts: Buffer[] = [];
    let total = 0;
    for (let at = 0; at < stream.length;) {
      if (at + 4 > stream.length) throw new BadFrameError('chunk header is cut');
      const type = stream.readUInt8(at);
      const body = stream.subarray(at + 4, at + 4 + stream.readUIntLE(at + 1, 3));
      if (at === 0 && type !== 0xff) throw new BadFrameError('no stream identifier');
      if (type < 2) {
        const plain =
          type === 0 ? (uncompressSync(body.subarray(4), { copyOutputData: true }) as Buffer) : body.subarray(4);
        if (maskedCrc(plain) !== body.readUInt32LE(0)) throw new BadFrameError('CRC mismatch');
        total += plain.length;
        if (total > bytesMax) throw new BadFrameError('too long');
        parts.push(plain);
      }
      at += 4 + body.length;
    }
    return Buffer.concat(parts);
  },
};

class BadFrameError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'TEST_FRAME_BAD';
  constructor(reason: string) {
    super(`Cannot decode snappy stream: ${reason}`);
  }
}

function maskedCrc(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
