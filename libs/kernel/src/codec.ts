import { IntakeKernel } from './intake-kernel.js';

/** The instance that all callers share: calls are synchronous and leave nothing behind that the next one needs. */
let shared: IntakeKernel | undefined;

/** Input of checksums goes through in pieces of this size, so that no large piece makes the shared memory grow. */
const pieceBytes = 65536;
let pieceAt = 0;

function kernel(): IntakeKernel {
  if (shared === undefined) {
    shared = new IntakeKernel();
    pieceAt = shared.reserve(pieceBytes);
  }
  return shared;
}

/** CRC-32C of `bytes`, as an unsigned number. `crc` is the checksum of what came before them. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const codec = kernel();
  if (bytes.length <= pieceBytes) {
    codec.bytes.set(bytes, pieceAt);
    return codec.exports.checksum(crc, bytes.length) >>> 0;
  }
  for (let at = 0; at < bytes.length; at += pieceBytes) crc = crc32c(bytes.subarray(at, at + pieceBytes), crc);
  return crc;
}

/** XXH64 of `bytes` with seed 0, as an unsigned number. */
export function xxh64(bytes: Uint8Array): bigint {
  const codec = kernel();
  const at = codec.reserve(bytes.length);
  codec.bytes.set(bytes, at);
  return BigInt.asUintN(64, codec.exports.hash(bytes.length));
}

function compress(bytes: Uint8Array, encoding: 'snappy-block' | 'snappy-framed'): Buffer {
  const codec = kernel();
  const at = codec.reserve(bytes.length);
  codec.bytes.set(bytes, at);
  codec.check(codec.exports.compress(bytes.length, codec.encodingNumber(encoding)), 0);
  return codec.takeOutput();
}

function expand(bytes: Uint8Array, encoding: 'snappy-block' | 'snappy-framed', bytesMax: number): Buffer {
  const codec = kernel();
  const at = codec.reserve(bytes.length);
  codec.bytes.set(bytes, at);
  // Lengths are unsigned numbers of 32 bits.
  codec.check(
    codec.exports.expand(bytes.length, codec.encodingNumber(encoding), Math.min(bytesMax, 0xffff_ffff)),
    bytesMax,
  );
  return codec.takeOutput();
}

/** Compresses to snappy's block format. */
export function snappyBlockEncode(bytes: Uint8Array): Buffer {
  return compress(bytes, 'snappy-block');
}

/**
 * Takes a block apart, S2's repeat offsets included.
 * @throws MessageError SNAPPY_CORRUPT, or MESSAGE_TOO_LARGE when the content is larger than `bytesMax`; nothing is allocated then.
 */
export function snappyBlockDecode(bytes: Uint8Array, bytesMax: number): Buffer {
  return expand(bytes, 'snappy-block', bytesMax);
}

/** Compresses to snappy's framing format. Nothing compresses to nothing. */
export function snappyFramedEncode(bytes: Uint8Array): Buffer {
  return compress(bytes, 'snappy-framed');
}

/**
 * Takes a stream apart, with the identifier of snappy or S2.
 * @throws MessageError SNAPPY_CORRUPT, or MESSAGE_TOO_LARGE when the chunks declare more than `bytesMax`.
 */
export function snappyFramedDecode(bytes: Uint8Array, bytesMax: number): Buffer {
  return expand(bytes, 'snappy-framed', bytesMax);
}
