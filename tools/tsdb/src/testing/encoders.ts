import { encodeTombstones as encode } from '@gauntlet/block';
import { encodeXor } from '@gauntlet/chunk';
import { crc32c } from '@gauntlet/kernel';

const scratch = new DataView(new ArrayBuffer(8));

/** The payload of an XOR chunk. */
export function encodeXorChunk(samples: readonly (readonly [timeMs: number, value: number])[]): Uint8Array {
  return encodeXor(
    samples.map(([timeMs, value]) => {
      scratch.setFloat64(0, value);
      return { timestampMs: BigInt(timeMs), bits: scratch.getBigUint64(0) };
    }),
  );
}

/** A tombstones file with intervals in this order, sorted or not. */
export function encodeTombstones(
  stones: readonly (readonly [ref: number, minTimeMs: number, maxTimeMs: number])[],
): Buffer {
  const bodies = stones.map(([ref, minTimeMs, maxTimeMs]) => {
    const one = encode(new Map([[ref, [{ minTimeMs, maxTimeMs }]]]));
    return one.subarray(5, one.length - 4);
  });
  const body = Buffer.concat(bodies);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(body));
  return Buffer.concat([Buffer.from('0130ba3001', 'hex'), body, checksum]);
}
