import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { uncompressSync } from 'snappy';

/**
 * Writes to an ingester without a router between, over gRPC as routers do: a router waits longer and longer before it tries an ingester again that was
 * not there, which says nothing about the ingester.
 */
export class IngesterClient {
  readonly #address: string;
  #client: Client | undefined;

  constructor(port: number) {
    this.#address = `127.0.0.1:${port}`;
  }

  /** @param request a `thanos.WriteRequest` */
  async write(request: Buffer): Promise<void> {
    const client = (this.#client ??= new Client(this.#address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_send_message_length': -1,
    }));
    try {
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest(
          '/thanos.WriteableStore/RemoteWrite',
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          request,
          { deadline: Date.now() + answerMsMax },
          (error) => (error ? reject(error) : resolve()),
        );
      });
    } catch (error) {
      // A fresh connection for the next try: this one would wait before it connects again.
      this.close();
      throw error;
    }
  }

  /** Tries again and again until it is answered with success; resolves with how many tries failed. */
  async writeUntilTaken(makeRequest: () => Buffer, signal: AbortSignal): Promise<number> {
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        await this.write(makeRequest());
        return failures;
      } catch {
        await sleep(retryMs);
      }
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

const answerMsMax = 120_000;
const retryMs = 10;

/** Of a compressed remote write body: what a router sends to the first owner of its series. */
export function toIngesterRequest(body: Buffer, tenant: string): Buffer {
  const name = Buffer.from(tenant);
  const head = Buffer.from([0x12, name.length]); // tenant = 2, at most 127 bytes long.
  const replica = Buffer.from([0x18, 1]); // replica = 3; counted from 1, as 0 stands for a write that no router has seen.
  return Buffer.concat([uncompressSync(body) as Buffer, head, name, replica]);
}
