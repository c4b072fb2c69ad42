import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server with as much of Prometheus' query API as we ask for. */
export class MetaMonitoringServer {
  /** Series by tenant, or a whole answer. */
  answer: Readonly<Record<string, number | string>> | { readonly status: number; readonly body: string } = {};
  readonly requests: IncomingMessage[] = [];
  readonly #server = createServer((request, response) => {
    this.requests.push(request);
    const { answer } = this;
    if (typeof (answer as { body?: unknown }).body === 'string') {
      const { status, body } = answer as { status: number; body: string };
      response.writeHead(status).end(body);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(vectorOf(answer as Record<string, number>));
  });

  async start(): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

export function vectorOf(series: Readonly<Record<string, number | string>>): string {
  const result = Object.entries(series).map(([tenant, value]) => ({
    metric: { tenant },
    value: [2_000_000_000, String(value)],
  }));
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });
}
