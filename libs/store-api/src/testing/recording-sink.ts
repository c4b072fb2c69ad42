import type { CallContext, MessageSink } from '@gauntlet/rpc';
import { decodeMessage, type Plain } from './messages.js';

/** Keeps what is written, as a client would read it. */
export class RecordingSink implements MessageSink {
  readonly frames: Buffer[] = [];
  ready: Promise<void> | undefined;

  write(message: Uint8Array): void {
    this.frames.push(Buffer.from(message));
  }

  messages(name: string): Plain[] {
    return this.frames.map((frame) => decodeMessage(name, frame));
  }
}

export function callOf(signal: AbortSignal = new AbortController().signal): CallContext {
  return { signal, deadlineMs: undefined, peer: 'test' } as unknown as CallContext;
}
