import { KiB, OperationalError, invariant } from '@gauntlet/base';
import { grpcCodeOf } from './errors.js';
import { type BufferPool, frameHeaderBytes } from './message-reader.js';

/** Where the messages of one answer go. */
export interface MessageSink {
  /**
   * Sends one message; the bytes are the caller's again when it returns. Small messages leave together, at the latest
   * when the event loop comes round.
   * @throws the reason of the call's signal, once it has been cancelled
   */
  write(message: Uint8Array): void;
  /** Undefined while more may be written. Else await it first: it resolves when the caller has read on, and rejects with the reason of the call's signal. */
  readonly ready: Promise<void> | undefined;
}

/** What waits for a caller that does not read, beyond its HTTP/2 window: so much, and the message that went over it. */
export const queuedBytesMax = 256 * KiB;
/** A writer goes on when the queue is half empty, so that the connection need not wait for it. */
const queuedBytesResume = queuedBytesMax / 2;
/** Messages are written in blocks of this size: a write costs tens of microseconds, whatever its size. */
const blockBytes = 64 * KiB;

/** Where blocks go: an HTTP/2 stream. */
export interface ByteStream {
  write(bytes: Buffer, done: () => void): unknown;
}

export interface SinkOptions {
  readonly stream: ByteStream;
  readonly pool: BufferPool;
  /** Called before the first block. */
  readonly onFirstWrite: () => void;
  /** Told of each message's length, without its header. */
  readonly onMessage: (bytes: number) => void;
  readonly messageBytesMax: number;
  /** Makes the content of each message, where messages are sent compressed. */
  readonly compress: ((message: Uint8Array) => Uint8Array) | undefined;
}

/** Packs messages into blocks, each message behind a header of its own: a flag, 1 if compressed, and the length in four bytes, big-endian. */
export class BlockSink implements MessageSink {
  readonly #options: SinkOptions;
  #block: Buffer | undefined;
  #filled = 0;
  #queuedBytes = 0;
  #begun = false;
  #ended = false;
  #cancelReason: Error | undefined;
  #waiting: Waiting | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  get ready(): Promise<void> | undefined {
    if (this.#cancelReason === undefined && this.#queuedBytes + this.#filled < queuedBytesMax) return undefined;
    this.#waiting ??= waiting();
    if (this.#cancelReason !== undefined) this.#waiting.reject(this.#cancelReason);
    return this.#waiting.promise;
  }

  write(message: Uint8Array): void {
    if (this.#cancelReason !== undefined) throw this.#cancelReason;
    invariant(!this.#ended, 'a handler writes nothing after it has returned');
    const { compress, messageBytesMax, onMessage } = this.#options;
    const content = compress ? compress(message) : message;
    if (content.length > messageBytesMax) throw new MessageTooLongError(content.length, messageBytesMax);
    onMessage(content.length);
    this.#appendHeader(compress ? 1 : 0, content.length);
    for (let at = 0; at < content.length;) {
      const block = this.#room();
      const taken = Math.min(block.length - this.#filled, content.length - at);
      block.set(taken === content.length ? content : content.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
    }
    if (this.#filled > 0) this.#turn ??= setImmediate(() => this.#flush());
  }

  /** Sends what is left. */
  end(): void {
    this.#ended = true;
    this.#flush();
  }

  /** Releases a writer that waits, and refuses what it writes from now on. */
  cancel(reason: Error): void {
    if (this.#cancelReason !== undefined) return;
    this.#cancelReason = reason;
    clearImmediate(this.#turn);
    if (this.#block) this.#options.pool.give(this.#block);
    this.#block = undefined;
    this.#filled = 0;
    this.#waiting?.reject(reason);
  }

  #appendHeader(flag: number, length: number): void {
    if (this.#block && this.#block.length - this.#filled < frameHeaderBytes) this.#flush();
    const block = this.#room();
    block[this.#filled] = flag;
    block.writeUInt32BE(length, this.#filled + 1);
    this.#filled += frameHeaderBytes;
  }

  #room(): Buffer {
    if (this.#block && this.#filled === this.#block.length) this.#flush();
    this.#block ??= this.#options.pool.take(blockBytes);
    return this.#block;
  }

  #flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    const block = this.#block;
    if (!block) return;
    const bytes = this.#filled;
    this.#block = undefined;
    this.#filled = 0;
    this.#queuedBytes += bytes;
    if (!this.#begun) this.#options.onFirstWrite();
    this.#begun = true;
    // Called also for a write that fails: the stream has let go of the block then.
    this.#options.stream.write(block.subarray(0, bytes), () => {
      this.#options.pool.give(block);
      this.#queuedBytes -= bytes;
      if (this.#queuedBytes > queuedBytesResume || this.#cancelReason !== undefined) return;
      this.#waiting?.resolve();
      this.#waiting = undefined;
    });
  }
}

interface Waiting {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: Error): void;
}

function waiting(): Waiting {
  let resolve: () => void = () => undefined;
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<void>((...settle) => ([resolve, reject] = settle));
  // A handler that asked and does not wait is no reason to end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** A message that no peer would take. */
export class MessageTooLongError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'RPC_MESSAGE_TOO_LONG';
  /** As gRPC says it. */
  readonly grpcCode = grpcCodeOf('RESOURCE_EXHAUSTED');
  constructor(bytes: number, bytesMax: number) {
    super(`Cannot send gRPC message: ${bytes} bytes are more than ${bytesMax}`);
  }
}
