import { compressSync, uncompressSync } from 'snappy';

/** Checksums and compression, as the log needs them. */
export interface Codec {
  crc32c(bytes: Uint8Array): number;
  snappyEncode(bytes: Uint8Array): Uint8Array;
  /** Throws when the input is not snappy's block format or would become longer than `bytesMax`. */
  snappyDecode(bytes: Uint8Array, bytesMax: number): Uint8Array;
}

const tables = makeTables();

export const defaultCodec: Codec = {
  crc32c(bytes) {
    let crc = ~0;
    let at = 0;
    const [t0, t1, t2, t3] = tables;
    for (const end = bytes.length - 3; at < end; at += 4) {
      crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!;
    }
    for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
    return ~crc >>> 0;
  },
  snappyEncode: (bytes) => compressSync(bytes, { copyOutputData: true }),
  snappyDecode(bytes, bytesMax) {
    let declared = 0;
    for (let at = 0, shift = 1; at < 5; at += 1, shift *= 128) {
      const byte = bytes[at] ?? 0;
      declared += (byte & 127) * shift;
      if (byte < 128) break;
    }
    if (declared > bytesMax) throw new RangeError(`declared length ${declared} is over ${bytesMax}`);
    return uncompressSync(bytes, { copyOutputData: true }) as Buffer;
  },
};

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const made = [new Int32Array(256), new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    made[0][byte] = crc;
  }
  for (let table = 1; table < 4; table += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const before = made[table - 1]![byte]!;
      made[table]![byte] = (before >>> 8) ^ made[0][before & 0xff]!;
    }
  }
  return made;
}
