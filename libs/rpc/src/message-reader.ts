import { KiB, MiB } from '@gauntlet/base';

/** Buffers that are kept for later messages, all together. */
const pooledBytesMax = 8 * MiB;
const bufferBytesMin = 64 * KiB;
/** What a length prefix alone makes us allocate; the rest follows the bytes as they come. */
const trustedBytesMax = MiB;

/** The flag and the length in front of a message. */
export const frameHeaderBytes = 5;

/**
 * Buffers by sizes of powers of two, used again and again. Memory outside of V8's heap that is dropped for each message
 * makes it mark the whole heap several times a second.
 */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  take(bytes: number): Buffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, bufferBytesMin)));
    const buffer = this.#free.get(size)?.pop();
    if (!buffer) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return buffer;
  }

  give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > pooledBytesMax) return;
    this.#freeBytes += buffer.length;
    const list = this.#free.get(buffer.length);
    if (list) list.push(buffer);
    else this.#free.set(buffer.length, [buffer]);
  }
}

/**
 * Takes the messages of one call out of its data frames, each with its header, into pooled buffers. It stands in for
 * grpc-js' `StreamDecoder`, which keeps all frames until the last has come and then copies them into a new buffer.
 */
export class MessageReader {
  readonly #pool: BufferPool;
  readonly #bytesMax: number;
  #buffer: Buffer | undefined;
  #filled = 0;

  constructor(pool: BufferPool, bytesMax: number) {
    this.#pool = pool;
    this.#bytesMax = bytesMax;
  }

  /** 0 between messages, as in grpc-js. */
  get readState(): number {
    return this.#filled === 0 ? 0 : 1;
  }

  /** The messages that end in this frame. Whoever is done with one gives its `pooledBufferOf` back. Throws for one that is too long. */
  write(data: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    for (let at = 0; at < data.length;) {
      const missing = this.#missing();
      const taken = Math.min(missing, data.length - at);
      const buffer = this.#room(this.#filled + taken, missing);
      data.copy(buffer, this.#filled, at, at + taken);
      this.#filled += taken;
      at += taken;
      if (this.#filled < frameHeaderBytes || this.#missing() > 0) continue;
      messages.push(buffer.subarray(0, this.#filled));
      this.#buffer = undefined;
      this.#filled = 0;
    }
    return messages;
  }

  /** Bytes up to the end of the header, or else of the message. */
  #missing(): number {
    if (this.#buffer === undefined || this.#filled < frameHeaderBytes) return frameHeaderBytes - this.#filled;
    const length = this.#buffer.readUInt32BE(1);
    if (length > this.#bytesMax) throw new Error(`Received message larger than max (${length} vs ${this.#bytesMax})`);
    return frameHeaderBytes + length - this.#filled;
  }

  #room(bytes: number, missing: number): Buffer {
    const old = this.#buffer;
    const wanted = Math.max(bytes, Math.min(this.#filled + missing, trustedBytesMax));
    if (old !== undefined && old.length >= wanted) return old;
    const buffer = this.#pool.take(Math.max(wanted, (old?.length ?? 0) * 2));
    if (old !== undefined) {
      old.copy(buffer, 0, 0, this.#filled);
      this.#pool.give(old);
    }
    this.#buffer = buffer;
    return buffer;
  }
}

/** The whole buffer at whose start a message of a reader lies. */
export function pooledBufferOf(message: Buffer): Buffer {
  return Buffer.from(message.buffer as ArrayBuffer, 0, message.buffer.byteLength);
}
