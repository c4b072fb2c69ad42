import { Client, credentials, Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { MiB } from '@gauntlet/base';
import { countSeries, countTexts, type AnswerCount } from './store-answers.js';

export type StoreMethod = 'Series' | 'LabelNames' | 'LabelValues';

/** One call, from its begin to the end of its answer. */
export interface StoreAnswer extends AnswerCount {
  readonly messages: number;
  readonly bytes: number;
  /** Until the first message was there. */
  readonly firstMs: number;
  readonly totalMs: number;
}

/** Calls StoreAPI and counts what is answered, without decoding it. */
export class StoreClient {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
      'grpc-node.flow_control_window': windowBytes,
    });
  }

  /** Connects, so that the first call does not pay for it. */
  untilConnected(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#client.waitForReady(Date.now() + connectMsMax, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** Takes all of an answer. */
  async call(method: StoreMethod, request: Buffer, signal?: AbortSignal): Promise<StoreAnswer> {
    const count = method === 'Series' ? countSeries : countTexts;
    const startedMs = performance.now();
    const stream = this.#start(method, request, signal);
    let items = 0;
    let messages = 0;
    let bytes = 0;
    let firstMs: number | undefined;
    const warnings: string[] = [];
    for await (const message of stream as AsyncIterable<Buffer>) {
      firstMs ??= performance.now() - startedMs;
      const counted = count(message);
      items += counted.items;
      warnings.push(...counted.warnings);
      messages += 1;
      bytes += message.length;
    }
    const totalMs = performance.now() - startedMs;
    return { items, warnings, messages, bytes, firstMs: firstMs ?? totalMs, totalMs };
  }

  /** Takes the first message of an answer, and no other one; the call stays open until the signal or `close` ends it. */
  async stall(method: StoreMethod, request: Buffer, signal: AbortSignal): Promise<void> {
    const stream = this.#start(method, request, signal);
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject); // Stays: the end of the call comes as an error, too.
      stream.once('data', () => {
        stream.pause();
        resolve();
      });
    });
  }

  /** Methods with one answer are streams of one message on the wire. */
  #start(method: StoreMethod, request: Buffer, signal: AbortSignal | undefined): ClientReadableStream<Buffer> {
    const stream = this.#client.makeServerStreamRequest(
      `/thanos.Store/${method}`,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      new Metadata(),
      { deadline: Date.now() + answerMsMax },
    );
    const cancel = (): void => stream.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    stream.once('close', () => signal?.removeEventListener('abort', cancel));
    return stream;
  }

  close(): void {
    this.#client.close();
  }
}

/** A querier's window grows with what it takes; one of 64 KiB would measure the way to and fro. */
const windowBytes = 4 * MiB;
const connectMsMax = 10_000;
const answerMsMax = 600_000;
