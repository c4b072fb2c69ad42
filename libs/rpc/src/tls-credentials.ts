import { CallCredentials, ChannelCredentials, ServerCredentials, type experimental } from '@grpc/grpc-js';
import { type Socket, isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { type ClientTls, type Reloaded, type ServerTls } from '@gauntlet/tls';

/*
 * Credentials that follow their files. grpc-js' own take their material once; its certificate providers follow, but know of no
 * least version, no suites and no names, and want an authority even where the system's are meant. Its classes are made to be
 * extended, though their methods begin with an underscore: tls.test.ts runs these over the wire.
 */

/** How long the other side may take to shake hands. */
const handshakeMsMax = 10_000;

/** Whether a server asks for certificates is decided at the start; everything else follows. */
export class ReloadedServerCredentials extends ServerCredentials {
  constructor(tls: Reloaded<ServerTls>) {
    const verifies = tls.current.clientAuth === 'RequireAndVerifyClientCert';
    super(
      { requestCert: verifies, rejectUnauthorized: verifies, handshakeTimeout: handshakeMsMax },
      tls.current.context,
    );
    tls.onChange(({ context }) => this.updateSecureContextOptions(context));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

type SecureConnector = experimental.SecureConnector;

/** Each connection is made with the material of its time. */
export class ReloadedChannelCredentials extends ChannelCredentials {
  readonly #tls: Reloaded<ClientTls>;
  #made: { readonly of: ClientTls; readonly secureContext: SecureContext } | undefined;

  constructor(tls: Reloaded<ClientTls>) {
    super();
    this.#tls = tls;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    target: { readonly path: string },
    _options: unknown,
    callCredentials: CallCredentials = CallCredentials.createEmpty(),
  ): SecureConnector {
    return {
      connect: (socket) => this.#connect(socket, hostOf(target.path)),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials,
      destroy: () => {},
    };
  }

  #connect(socket: Socket, host: string): Promise<{ socket: Socket; secure: boolean }> {
    const { serverName = host, skipVerify } = this.#tls.current;
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        secureContext: this.#secureContext(),
        ALPNProtocols: ['h2'],
        host: serverName, // What the certificate is checked for.
        ...(isIP(serverName) === 0 && { servername: serverName }), // RFC 6066 knows no addresses here.
        rejectUnauthorized: !skipVerify,
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        secured.destroy();
        reject(error);
      };
      const onClose = (): void => fail(new Error('connection was closed during the TLS handshake'));
      const timer = setTimeout(() => fail(new Error('TLS handshake took too long')), handshakeMsMax);
      secured.once('error', fail).once('close', onClose);
      secured.once('secureConnect', () => {
        clearTimeout(timer);
        secured.off('error', fail).off('close', onClose);
        resolve({ socket: secured, secure: true });
      });
    });
  }

  #secureContext(): SecureContext {
    const { current } = this.#tls;
    if (this.#made?.of !== current) this.#made = { of: current, secureContext: createSecureContext(current.context) };
    return this.#made.secureContext;
  }
}

/** The host of `host:port`, `[v6]:port` or `/host:port`, as the paths of grpc-js' targets are. */
function hostOf(path: string): string {
  return path
    .replace(/^\//, '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
