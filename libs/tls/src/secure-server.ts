import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type Server as TlsServer, type TLSSocket } from 'node:tls';
import { invariant } from '@gauntlet/base';
import { refusalOf, shownBy } from './client-check.js';
import { type Reloaded } from './reloaded.js';
import { type ServerTls } from './server-tls.js';

/** How long a client may take to shake hands. */
const handshakeMsMax = 10_000;

/** A server whose new connections follow the files; those that are open stay as they are. */
export interface SecureServer {
  readonly server: Server;
  /** Handshakes that failed, and clients whose certificate was not accepted. */
  readonly tally: { refusedConnections: number };
}

/**
 * An HTTP/1.1 server, over TLS if there is some. HTTP/2 is not offered: whoever offers both takes HTTP/1.1, and neither Prometheus nor
 * kubelets ask for more.
 */
export function createWebServer(listener: RequestListener, tls: Reloaded<ServerTls> | undefined): SecureServer {
  const tally = { refusedConnections: 0 };
  if (!tls) return { server: createHttpServer(listener), tally };
  const server = createHttpsServer(
    { ...tls.current.context, ...handshakeOf(tls.current), handshakeTimeout: handshakeMsMax },
    listener,
  );
  followTls(server, tls);
  server.on('tlsClientError', () => (tally.refusedConnections += 1));
  // First, so that no request is read of a client that is refused.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (refusalOf(shownBy(socket), tls.current) === undefined) return;
    tally.refusedConnections += 1;
    socket.destroy();
  });
  return { server, tally };
}

/** What a server is told of a handshake. A certificate that is asked for is judged after it, by `refusalOf`, which knows all the ways to ask. */
function handshakeOf({ clientAuth }: ServerTls): { requestCert: boolean; rejectUnauthorized: boolean } {
  return { requestCert: clientAuth !== 'NoClientCert', rejectUnauthorized: false };
}

function followTls(server: TlsServer, tls: Reloaded<ServerTls>): void {
  // `setSecureContext` has no word for the request of a certificate, which a web configuration may change.
  const asking = server as unknown as { requestCert: unknown };
  invariant(typeof asking.requestCert === 'boolean', 'TLS servers keep in requestCert whether they ask for one');
  const stop = tls.onChange((next) => {
    asking.requestCert = handshakeOf(next).requestCert;
    server.setSecureContext(next.context);
  });
  server.once('close', stop);
}
