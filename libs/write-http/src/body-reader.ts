import { KiB, MiB, messageOf } from '@gauntlet/base';
import type { IncomingMessage } from 'node:http';
import { bodyTooLarge, RequestRefusedError } from './errors.js';

/** Buffers that are kept for later requests, all together. */
export const pooledBytesMax = 64 * MiB;
/** Bodies come into blocks: what was announced costs nothing until it is there, and what is there is not copied as more comes. */
const blockBytesMin = 4 * KiB;
const firstBlockBytesMax = 16 * KiB;
const blockBytesMax = 64 * KiB;

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

/** Reads bodies into buffers that it uses again, in sizes of powers of two. */
export class BodyReader {
  /** By size. */
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  /** Rejects with RequestRefusedError: BODY_TOO_LARGE as soon as the bound is passed, BODY_UNREADABLE when the client goes away. */
  read(request: IncomingMessage, { bytesMax, onBytes }: ReadOptions): Promise<Body> {
    return new Promise((resolve, reject) => {
      const announced = announcedBytes(request) ?? 0;
      const blocks: Buffer[] = [];
      let length = 0;
      /** Free bytes in the last block. */
      let room = 0;
      const finish = (error?: Error): void => {
        request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
        if (!error) return resolve(this.#body(blocks, length));
        for (const block of blocks) this.#give(block);
        reject(error);
      };
      const onData = (chunk: Buffer): void => {
        if (length + chunk.length > bytesMax) return finish(bodyTooLarge());
        try {
          onBytes(chunk.length);
        } catch (error) {
          return finish(error as Error);
        }
        for (let at = 0; at < chunk.length;) {
          if (room === 0) {
            blocks.push(this.#take(blockBytesFor({ blockCount: blocks.length, announced })));
            room = blocks.at(-1)!.length;
          }
          const block = blocks.at(-1)!;
          const copied = chunk.copy(block, block.length - room, at);
          at += copied;
          room -= copied;
        }
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
      if (request.destroyed) return onClose();
      request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    });
  }

  #body(blocks: readonly Buffer[], length: number): Body {
    const whole = blocks.length === 1 ? blocks[0]! : this.#join(blocks, length);
    let isHeld = true;
    return {
      bytes: whole.subarray(0, length),
      release: () => {
        if (isHeld) this.#give(whole);
        isHeld = false;
      },
    };
  }

  #join(blocks: readonly Buffer[], length: number): Buffer {
    const whole = this.#take(length);
    let at = 0;
    for (const block of blocks) {
      at += block.copy(whole, at);
      this.#give(block);
    }
    return whole;
  }

  #take(bytes: number): Buffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, blockBytesMin)));
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

/** The declared length, where there is one. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const text = request.headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

/** Small bodies fit their only block. Of larger ones the first is small still: many clients announce much and send little. */
function blockBytesFor({ blockCount, announced }: { blockCount: number; announced: number }): number {
  if (blockCount > 0) return blockBytesMax;
  return announced > 0 && announced <= blockBytesMax ? announced : firstBlockBytesMax;
}
