import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { listen, type TestServer } from './test-server.js';

/**
 * An HTTP proxy that knows the hosts of a configuration: it takes the place of a cluster's network, so that a configuration keeps its URLs and
 * names of hosts. TLS passes through.
 * @param hosts `name:port` to the address where that host really is
 */
export async function serveNames(hosts: Readonly<Record<string, string>>): Promise<TestServer> {
  const open = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const { host, port, pathname, search } = new URL(incoming.url ?? '');
    const address = hosts[port === '' ? `${host}:80` : host];
    if (address === undefined) response.writeHead(502).end(`no host ${host}`);
    else forward(incoming, response, { address, path: `${pathname}${search}` });
  });
  server.on('connect', ({ url = '' }: IncomingMessage, client: Socket, head: Buffer) => {
    const [host, port] = (hosts[url] ?? '').split(':');
    if (host === undefined || port === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const far = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      far.write(head);
      far.pipe(client).pipe(far);
    });
    for (const [socket, other] of [
      [client, far],
      [far, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  const { address, close } = await listen(server);
  return {
    address,
    close: async () => {
      for (const socket of open) socket.destroy();
      await close();
    },
  };
}

/** Passes a request on to where it belongs, and its answer back. */
export function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  { address, path }: { address: string; path: string },
): void {
  const [host, port] = address.split(':');
  const outgoing = request({ host, port, path, method: incoming.method, headers: incoming.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}
