import { createServer } from 'node:https';
import { forward } from './name-network.js';
import { listen, type TestServer } from './test-server.js';

export interface IngressPlan {
  readonly cert: string;
  readonly key: string;
  /** `host:port` of the remote write listener behind it. */
  readonly backend: string;
  /** Without, everybody may write. */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface Ingress extends TestServer {
  /** Requests let through. */
  readonly passed: number;
  readonly refused: number;
}

/** Ends TLS and basic auth before routers, as an ingress does. */
export async function serveIngress({ cert, key, backend, login }: IngressPlan): Promise<Ingress> {
  const wanted = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  let passed = 0;
  let refused = 0;
  const server = createServer({ cert, key }, (incoming, response) => {
    if (wanted !== undefined && incoming.headers.authorization !== wanted) {
      refused += 1;
      incoming.resume();
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="remote-write"' }).end();
      return;
    }
    passed += 1;
    forward(incoming, response, { address: backend, path: incoming.url ?? '/' });
  });
  const listening = await listen(server);
  return {
    ...listening,
    get passed() {
      return passed;
    },
    get refused() {
      return refused;
    },
  };
}
