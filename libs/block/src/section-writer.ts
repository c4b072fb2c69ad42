import type { ByteSink } from './byte-sink.js';
import { crc32c } from './crc32c.js';
import { putUint32 } from './integers.js';

const bufferBytes = 256 * 1024;

/**
 * Collects small writes for a sink and keeps a running checksum. Writers ask for room, which may flush, and then fill
 * `bytes` from `length` on.
 */
export class SectionWriter {
  readonly #sink: ByteSink;
  bytes = new Uint8Array(bufferBytes);
  /** Bytes of the buffer in use. */
  length = 0;
  #flushed = 0;
  #crc = 0;
  #crcFrom = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Position in the file. */
  get position(): number {
    return this.#flushed + this.length;
  }

  /** A promise to await when the buffer must go out first; undefined, the common case, when `count` bytes fit. */
  room(count: number): Promise<void> | undefined {
    return this.length + count <= this.bytes.length ? undefined : this.#makeRoom(count);
  }

  /** From here on bytes belong to a checksummed section. */
  startChecksum(): void {
    this.#crc = 0;
    this.#crcFrom = this.length;
  }

  /** Ends the section with its checksum. Needs four bytes of room. */
  putChecksum(): void {
    const crc = crc32c(this.bytes, this.#crc, this.#crcFrom, this.length);
    this.length = putUint32(this.bytes, this.length, crc);
  }

  putUint32(value: number): void {
    this.length = putUint32(this.bytes, this.length, value);
  }

  /** Zeros up to the next multiple of `alignment`, at most 15 bytes of room. */
  pad(alignment: number): void {
    const end = this.length + ((alignment - (this.position % alignment)) % alignment);
    this.bytes.fill(0, this.length, end);
    this.length = end;
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#sink.close();
  }

  async #makeRoom(count: number): Promise<void> {
    await this.#flush();
    if (count > this.bytes.length) this.bytes = new Uint8Array(count);
  }

  async #flush(): Promise<void> {
    this.#crc = crc32c(this.bytes, this.#crc, this.#crcFrom, this.length);
    this.#crcFrom = 0;
    if (this.length > 0) await this.#sink.write(this.bytes.subarray(0, this.length));
    this.#flushed += this.length;
    this.length = 0;
  }
}
