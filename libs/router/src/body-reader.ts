import { KiB, MiB, messageOf } from '@gauntlet/base';
import type { IncomingMessage } from 'node:http';
import { RequestRefusedError } from './errors.js';

/** Buffers that are kept for later requests, all together. */
export const pooledBytesMax = 64 * MiB;
const bufferBytesMin = 64 * KiB;
/** What is allocated for a body before its bytes arrive. */
const announcedBytesMax = MiB;

/** A request body in a pooled buffer. */
export interface Body {
  /** Valid until the release. */
  readonly bytes: Uint8Array;
  release(): void;
}

/** Reads bodies into buffers that it uses again, in sizes of powers of two. */
export class BodyReader {
  readonly #bodyBytesMax: number;
  /** By size. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax;
  }

  /** The declared length, where there is one, before anything is read. */
  checkLength(request: IncomingMessage): void {
    if (Number(request.headers['content-length'] ?? 0) > this.#bodyBytesMax) throw tooLarge();
  }

  /**
   * Rejects with RequestRefusedError: BODY_TOO_LARGE as soon as the bound is passed, BODY_UNREADABLE when the client goes away.
   * @param onBytes told of what has arrived; what it throws ends the reading
   */
  read(request: IncomingMessage, onBytes: (count: number) => void = () => {}): Promise<Body> {
    return new Promise((resolve, reject) => {
      // A large buffer is earned by bytes, not by an announcement.
      let buffer = this.#take(Math.min(Number(request.headers['content-length'] ?? 0), announcedBytesMax));
      let length = 0;
      const finish = (error?: Error): void => {
        request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
        if (!error) return resolve({ bytes: buffer.subarray(0, length), release: () => this.#give(buffer) });
        this.#give(buffer);
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        if (length + chunk.length > this.#bodyBytesMax) return finish(tooLarge());
        try {
          onBytes(chunk.length);
        } catch (error) {
          return finish(error as Error);
        }
        if (length + chunk.length > buffer.length) {
          const larger = this.#take(Math.max(length + chunk.length, buffer.length * 2));
          buffer.copy(larger, 0, 0, length);
          this.#give(buffer);
          buffer = larger;
        }
        chunk.copy(buffer, length);
        length += chunk.length;
      };
      const onEnd = (): void => finish();
      const onError = (error: unknown): void =>
        finish(
          new RequestRefusedError('BODY_UNREADABLE', `read compressed request body: ${messageOf(error)}`, {
            cause: error,
          }),
        );
      const onClose = (): void =>
        finish(new RequestRefusedError('BODY_UNREADABLE', 'read compressed request body: unexpected EOF'));
      request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }

  #take(bytes: number): Buffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, bufferBytesMin)));
    const buffer = this.#free.get(size)?.pop();
    if (!buffer) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return buffer;
  }

  #give(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > pooledBytesMax) return;
    this.#freeBytes += buffer.length;
    const list = this.#free.get(buffer.length);
    if (list) list.push(buffer);
    else this.#free.set(buffer.length, [buffer]);
  }
}

function tooLarge(): RequestRefusedError {
  return new RequestRefusedError('BODY_TOO_LARGE', 'write request too large');
}
