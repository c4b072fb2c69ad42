import { KiB, MiB, messageOf } from '@gauntlet/base';
import type { IncomingMessage } from 'node:http';
import { bodyTooLarge, RequestRefusedError } from './errors.js';

/** Buffers that are kept for later requests, all together. */
export const pooledBytesMax = 64 * MiB;
const bufferBytesMin = 16 * KiB;
/** How much larger than what has arrived a buffer may be for what was announced. A large one is earned by bytes. */
const announcedFactorMax = 16;

/** A request body in a pooled buffer. */
export interface Body {
  /** Valid until the release. */
  readonly bytes: Uint8Array;
  /** Does nothing when called again. */
  release(): void;
}

export interface ReadOptions {
  readonly bytesMax: number;
  /** Told of what has arrived; what it throws ends the reading. */
  readonly onBytes: (count: number) => void;
}

const nothing = Buffer.alloc(0);

/** Reads bodies into buffers that it uses again, in sizes of powers of two. */
export class BodyReader {
  /** By size. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** Rejects with RequestRefusedError: BODY_TOO_LARGE as soon as the bound is passed, BODY_UNREADABLE when the client goes away. */
  read(request: IncomingMessage, { bytesMax, onBytes }: ReadOptions): Promise<Body> {
    return new Promise((resolve, reject) => {
      const announced = Math.min(announcedBytes(request) ?? 0, bytesMax);
      let buffer: Buffer = nothing;
      let length = 0;
      const finish = (error?: Error): void => {
        request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
        if (!error) return resolve(this.#body(buffer, length));
        this.#give(buffer);
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        const needed = length + chunk.length;
        if (needed > bytesMax) return finish(bodyTooLarge());
        try {
          onBytes(chunk.length);
        } catch (error) {
          return finish(error as Error);
        }
        if (needed > buffer.length) {
          const larger = this.#take(Math.max(needed, Math.min(announced, needed * announcedFactorMax)));
          buffer.copy(larger, 0, 0, length);
          this.#give(buffer);
          buffer = larger;
        }
        chunk.copy(buffer, length);
        length = needed;
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
      if (request.destroyed) return onClose();
      request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }

  #body(buffer: Buffer, length: number): Body {
    let isHeld = true;
    return {
      bytes: buffer.subarray(0, length),
      release: () => {
        if (isHeld) this.#give(buffer);
        isHeld = false;
      },
    };
  }

  #take(bytes: number): Buffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, bufferBytesMin)));
    const buffer = this.#free.get(size)?.pop();
    if (!buffer) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return buffer;
  }

  #give(buffer: Buffer): void {
    if (buffer.length === 0 || this.#freeBytes + buffer.length > pooledBytesMax) return;
    this.#freeBytes += buffer.length;
    const list = this.#free.get(buffer.length);
    if (list) list.push(buffer);
    else this.#free.set(buffer.length, [buffer]);
  }
}

/** The declared length, where there is one. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}
