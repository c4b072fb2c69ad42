import { OperationalError, messageOf, type ErrorKind } from '@gauntlet/base';

/** Where a listener binds. An empty host means every interface. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** As the operator wrote it, for messages. */
  readonly text: string;
}

/** A listener that cannot be opened. The texts are those that operators of Thanos know. */
export class ListenError extends OperationalError {
  readonly kind: ErrorKind;
  readonly code: 'LISTEN_ADDRESS_INVALID' | 'LISTEN_FAILED';
  constructor(code: ListenError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.kind = code === 'LISTEN_ADDRESS_INVALID' ? 'rejected' : 'unavailable';
  }
}

/** Reads `host:port`, `:port` or `[v6]:port`; throws `ListenError`, such as `listen tcp: address nonsense: missing port in address`. */
export function parseListenAddress(text: string): ListenAddress {
  const invalid = (what: string): ListenError => new ListenError('LISTEN_ADDRESS_INVALID', `listen tcp: ${what}`);
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.endsWith(']')) throw invalid(`address ${text}: missing port in address`);
  let host = text.slice(0, colon);
  if (host.startsWith('[')) {
    if (!host.endsWith(']')) throw invalid(`address ${text}: missing ']' in address`);
    host = host.slice(1, -1);
  } else if (host.includes(':')) {
    throw invalid(`address ${text}: too many colons in address`);
  }
  const portText = text.slice(colon + 1);
  if (!/^[+-]?\d*$/.test(portText)) throw invalid(`lookup tcp/${portText}: unknown port`);
  const port = Number(portText);
  if (!(port >= 0 && port <= 65535)) throw invalid(`address ${portText}: invalid port`);
  return { host, port, text };
}

/** `host:port` of something that listens, with IPv6 hosts in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
  EACCES: 'bind: permission denied',
};

/** Says in one line why a bind failed: `listen tcp 127.0.0.1:10902: bind: address already in use`. */
export function listenError(address: ListenAddress, cause: unknown): ListenError {
  // grpc-js hands over only a text, so the code is looked for there too.
  const code = (cause as NodeJS.ErrnoException).code ?? /\bE[A-Z]{3,}\b/.exec(messageOf(cause))?.[0] ?? '';
  const reason =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? `lookup ${address.host}: no such host`
      : (causes[code] ?? messageOf(cause).split('\n')[0]);
  return new ListenError('LISTEN_FAILED', `listen tcp ${address.text}: ${reason}`, { cause });
}
