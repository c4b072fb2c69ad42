import * as http from 'node:http';
import { type AddressInfo } from 'node:net';

/**
 * What the proxy does to a request.
 *
 * - `refuse`: answers 503 SlowDown without forwarding.
 * - `reset`: breaks the connection at once.
 * - `cut-body`: forwards half of the body, then breaks both connections.
 * - `lose-answer`: forwards all, then breaks the connection before the answer.
 * - `hang`: never answers.
 * - a number: waits so many milliseconds, then forwards.
 */
export type ProxyFault = 'refuse' | 'reset' | 'cut-body' | 'lose-answer' | 'hang' | number;

export interface ProxiedRequest {
  readonly index: number;
  readonly method: string;
  readonly path: string;
}

/** An HTTP proxy before a real store, that breaks by plan. Signatures hold, as the Host header passes unchanged. */
export class FaultProxy {
  plan: (request: ProxiedRequest) => ProxyFault | undefined = () => undefined;
  readonly requests: ProxiedRequest[] = [];
  readonly #targetPort: number;
  readonly #server: http.Server;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = http.createServer((request, response) => this.#serve(request, response));
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const seen = { index: this.requests.length, method: request.method ?? '', path: request.url ?? '' };
    this.requests.push(seen);
    const fault = this.plan(seen);
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    switch (fault) {
      case 'reset':
        request.socket.destroy();
        return;
      case 'hang':
        request.resume();
        return;
      case 'refuse':
        request.resume();
        response.writeHead(503, { 'content-type': 'application/xml' });
        response.end('<Error><Code>SlowDown</Code><Message>planned fault</Message></Error>');
        return;
      case undefined:
      case 'cut-body':
      case 'lose-answer':
        this.#forward(request, response, fault);
        return;
      default:
        setTimeout(() => this.#forward(request, response, undefined), fault);
    }
  }

  #forward(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    fault: 'cut-body' | 'lose-answer' | undefined,
  ): void {
    const onward = http.request(
      {
        port: this.#targetPort,
        host: '127.0.0.1',
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent: false,
      },
      (answer) => {
        if (fault === 'lose-answer') {
          answer.resume();
          answer.on('end', () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => request.socket.destroy());
    response.once('close', () => onward.destroy());
    if (fault !== 'cut-body') {
      request.pipe(onward);
      return;
    }
    let left = Math.floor(Number(request.headers['content-length'] ?? 0) / 2);
    const cut = (): void => {
      onward.destroy();
      request.socket.destroy();
    };
    if (left === 0) cut();
    request.on('data', (piece: Buffer) => {
      onward.write(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) cut();
    });
  }
}
