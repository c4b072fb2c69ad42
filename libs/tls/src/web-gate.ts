import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { invariant, type Log } from '@gauntlet/base';
import { BasicAuth } from './basic-auth.js';
import { loadAndWatch, type Reloaded, type ReloadOptions } from './reloaded.js';
import { createWebServer, type SecureServer } from './secure-server.js';
import { type ServerTls } from './server-tls.js';
import { TlsConfigError } from './tls-errors.js';
import { loadWebConfig, type WebConfig } from './web-config.js';

/** A web configuration file in use: who may ask, and over what. */
export interface WebGate {
  readonly config: Reloaded<WebConfig>;
  /** Undefined for plain HTTP, which is decided at the start. */
  readonly tls: Reloaded<ServerTls> | undefined;
  /** Whether a request may come in, by the file as it is now. */
  authenticate(request: IncomingMessage): Promise<'ok' | 401 | 429>;
  /** Sets the headers of the file, and answers whom it does not let in. Resolves to whether the request may go on. */
  admit(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  close(): void;
}

/** Opens the file of `--http.config`. Rejects with `TlsConfigError`, such as `open web.yml: no such file or directory`. */
export async function openWebGate(
  path: string,
  options: { readonly log: Log; readonly pollMs?: number; readonly auth?: BasicAuth },
): Promise<WebGate> {
  const { auth = new BasicAuth(), ...rest } = options;
  const reload: ReloadOptions = { ...rest, use: 'http' };
  let before: WebConfig | undefined;
  const config = await loadAndWatch(async (read) => {
    const next = await loadWebConfig(path, read);
    if (before) checkChange(path, before, next);
    before = next;
    return next;
  }, reload);

  const authenticate = async (request: IncomingMessage): Promise<'ok' | 401 | 429> => {
    await config.refresh();
    const admission = await auth.check(request.headers.authorization, config.current.users);
    return admission === 'ok' ? 'ok' : admission === 'busy' ? 429 : 401;
  };
  return {
    config,
    tls: config.current.tls && tlsOf(config),
    authenticate,
    async admit(request, response) {
      const answer = await authenticate(request);
      for (const [name, value] of Object.entries(config.current.headers)) response.setHeader(name, value);
      if (answer === 'ok') return true;
      refuse(response, answer);
      return false;
    },
    close: () => config.close(),
  };
}

/** Throws for what must not happen while a server runs. A file that is just being written may be empty, and must not open the gate. */
function checkChange(path: string, before: WebConfig, next: WebConfig): void {
  const restart = (what: string): TlsConfigError => new TlsConfigError(`${path}: ${what}, which takes a restart`);
  if (before.tls && !next.tls) throw restart('TLS was turned off');
  if (!before.tls && next.tls) throw restart('TLS was turned on');
  if (before.users.size > 0 && next.users.size === 0) throw restart('all users were removed');
}

/** An HTTP/1.1 server behind a gate, or one that anyone may use. */
export function createGatedServer(listener: RequestListener, gate: WebGate | undefined): SecureServer {
  if (!gate) return createWebServer(listener, undefined);
  const gated: RequestListener = (request, response) => {
    gate.admit(request, response).then(
      (admitted) => {
        if (admitted) listener(request, response);
      },
      () => refuse(response, 500),
    );
  };
  return createWebServer(gated, gate.tls);
}

const reasons = { 401: 'Unauthorized', 429: 'Too Many Requests', 500: 'Internal Server Error' } as const;

function refuse(response: ServerResponse, status: 401 | 429 | 500): void {
  response.statusCode = status;
  if (status === 401) response.setHeader('WWW-Authenticate', 'Basic');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.end(`${reasons[status]}\n`);
}

/** The TLS part of a configuration that has one, now and later. */
function tlsOf(config: Reloaded<WebConfig>): Reloaded<ServerTls> {
  const part = ({ tls }: WebConfig): ServerTls => {
    invariant(tls, 'a configuration with TLS keeps it');
    return tls;
  };
  return {
    use: config.use,
    get current() {
      return part(config.current);
    },
    tally: config.tally,
    onChange: (listener) => config.onChange((next) => listener(part(next))),
    refresh: () => config.refresh(),
    close: () => {}, // The configuration's owner closes it.
  };
}
