import type { BitReader } from './bit-stream.js';
import { fromZigzag, readVarint } from './chunk-fields.js';

/**
 * Start timestamps of encodings 4 to 6 (spec/tsdb.md 1.6). The header byte: bit 7, the first sample has one; bits 0 to 6, the first later
 * sample from which on every sample has one, 0 for never. They are differences to a sample time: to its own for the first sample, to that
 * of the sample before for a later one, and of those the second and later ones are the change of that difference. 0 means unknown.
 */
export class StartTimeReader {
  readonly #firstHasOne: boolean;
  readonly #changesAt: number;
  readonly #readSigned: (input: BitReader) => bigint;
  #startMs = 0n;
  #difference = 0n;

  constructor(header: number, readSigned: (input: BitReader) => bigint) {
    this.#firstHasOne = (header & 0x80) !== 0;
    this.#changesAt = header & 0x7f;
    this.#readSigned = readSigned;
  }

  /** What follows the other fields of a sample; undefined when unknown. */
  next(input: BitReader, sample: number, timestampMs: bigint, previousMs: bigint): bigint | undefined {
    if (sample === 0) {
      if (this.#firstHasOne) this.#startMs = BigInt.asIntN(64, timestampMs - fromZigzag(readVarint(input)));
    } else if (this.#changesAt > 0 && sample >= this.#changesAt) {
      this.#difference = BigInt.asIntN(64, this.#difference + this.#readSigned(input));
      this.#startMs = BigInt.asIntN(64, previousMs - this.#difference);
    }
    return this.#startMs === 0n ? undefined : this.#startMs;
  }
}
