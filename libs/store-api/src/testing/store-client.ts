import { Client, Metadata, credentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { decodeMessage, encodeMessage, type Plain } from './messages.js';

export interface ClientAnswer {
  readonly messages: readonly Plain[];
  readonly error?: ServiceError;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** Calls what an ingester serves, with messages in proto3's JSON form. */
export class StoreClient {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
    });
  }

  /** The messages of one answer; unary methods are streams of one message. */
  async call(service: string, method: string, request: object | Uint8Array): Promise<ClientAnswer> {
    const { name, requestName, responseName } = describe(service, method);
    const bytes = request instanceof Uint8Array ? Buffer.from(request) : encodeMessage(requestName, request);
    const stream = this.stream(name, bytes);
    const messages: Plain[] = [];
    return new Promise((resolve) => {
      stream.on('data', (message: Buffer) => messages.push(decodeMessage(responseName, message)));
      stream.on('error', (error: ServiceError) => resolve({ messages, error }));
      stream.on('end', () => resolve({ messages }));
    });
  }

  stream(path: string, bytes: Buffer, deadlineMs = 30_000): ClientReadableStream<Buffer> {
    const deadline = Date.now() + deadlineMs;
    return this.#client.makeServerStreamRequest(path, asIs, asIs, bytes, new Metadata(), { deadline });
  }

  close(): void {
    this.#client.close();
  }
}

function describe(service: string, method: string): { name: string; requestName: string; responseName: string } {
  const scope = service.slice(0, service.lastIndexOf('.'));
  return {
    name: `/${service}/${method}`,
    requestName: `${scope}.${method}Request`,
    responseName: `${scope}.${method}Response`,
  };
}
