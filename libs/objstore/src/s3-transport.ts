import { AsyncLocalStorage } from 'node:async_hooks';
import * as http from 'node:http';
import * as https from 'node:https';
import { type TLSSocket } from 'node:tls';
import { KiB, secondMs } from '@gauntlet/base';
import { type S3HttpConfig } from './s3-config.js';
import { RetriedStatusError, retriedStatuses, TransportError } from './s3-retry.js';

const connectMsMax = 30 * secondMs;
const errorBodyBytesMax = 64 * KiB;

/** One request and its answer, without headers: those carry keys. */
export interface S3Exchange {
  readonly method: string;
  readonly path: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly durationMs: number;
}

/** Files of `tls_config`, read. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

type Answer = (response: http.IncomingMessage) => void;

/**
 * What the minio client sends its requests through. The client offers neither cancellation nor time limits, and retries on HTTP
 * status alone with a body it has already consumed; so all of that happens here and in s3-retry.ts: a signal ends the request, and
 * an answer that asks for a retry becomes an error with its body read, so that the connection can be used again.
 */
export class S3Transport {
  readonly agent: http.Agent;
  readonly #secure: boolean;
  readonly #limits: S3HttpConfig;
  readonly #trace: ((exchange: S3Exchange) => void) | undefined;
  /** The signal of the call that a request belongs to: the client has no parameter to hand it through. */
  readonly #signals = new AsyncLocalStorage<AbortSignal>();

  constructor({
    secure,
    limits,
    tls,
    trace,
  }: {
    secure: boolean;
    limits: S3HttpConfig;
    tls: TlsMaterial;
    trace?: ((exchange: S3Exchange) => void) | undefined;
  }) {
    this.#secure = secure;
    this.#limits = limits;
    this.#trace = trace;
    const pool: http.AgentOptions = {
      keepAlive: true,
      maxSockets: limits.maxConnsPerHost > 0 ? limits.maxConnsPerHost : Infinity,
      maxFreeSockets: Math.max(
        1,
        Math.min(limits.maxIdleConns || Infinity, limits.maxIdleConnsPerHost || Infinity, 256),
      ),
      // Ends idle connections; a request in progress only gets an event that nobody listens to.
      ...(limits.idleConnTimeoutMs > 0 ? { timeout: limits.idleConnTimeoutMs } : {}),
    };
    this.agent = secure
      ? new https.Agent({
          ...pool,
          ...tls,
          rejectUnauthorized: !limits.insecureSkipVerify,
          ...(limits.serverName === '' ? {} : { servername: limits.serverName }),
        })
      : new http.Agent(pool);
  }

  /** Runs a call of the client; its requests end when the signal aborts. */
  within<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    return this.#signals.run(signal, run);
  }

  /** What the client takes for node:http. */
  request(options: http.RequestOptions, answer: Answer): http.ClientRequest {
    const startMs = performance.now();
    const traced = (status: number | undefined, error: string | undefined): void =>
      this.#trace?.({
        method: options.method ?? 'GET',
        path: withoutQueryValues(options.path ?? '/'),
        status,
        error,
        durationMs: performance.now() - startMs,
      });
    const signal = this.#signals.getStore();
    const request: http.ClientRequest = (this.#secure ? https : http).request(
      { ...options, ...(signal === undefined ? {} : { signal }) },
      (response) => {
        traced(response.statusCode, undefined);
        if (retriedStatuses.has(response.statusCode ?? 0)) failWithBody(request, response);
        else answer(response);
      },
    );
    request.on('error', (error) => traced(undefined, error.message));
    this.#limit(request);
    return request;
  }

  close(): void {
    this.agent.destroy();
  }

  /** Connecting, the TLS handshake and the wait for an answer each have their bound. */
  #limit(request: http.ClientRequest): void {
    const { tlsHandshakeTimeoutMs, responseHeaderTimeoutMs } = this.#limits;
    const timers = new Set<NodeJS.Timeout>();
    const within = (limitMs: number, what: string): (() => void) => {
      if (limitMs <= 0) return () => undefined;
      const timer = setTimeout(
        () => request.destroy(new TransportError(`${what} took longer than ${limitMs} ms`)),
        limitMs,
      );
      timers.add(timer);
      return () => clearTimeout(timer);
    };
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const connected = within(connectMsMax, 'connecting');
      socket.once('connect', () => {
        connected();
        if (this.#secure)
          (socket as TLSSocket).once('secureConnect', within(tlsHandshakeTimeoutMs, 'the TLS handshake'));
      });
    });
    request.once('finish', () => request.once('response', within(responseHeaderTimeoutMs, 'the wait for an answer')));
    request.once('response', () => timers.forEach((timer) => clearTimeout(timer)));
    request.once('close', () => timers.forEach((timer) => clearTimeout(timer)));
  }
}

/** Ends a request with the error that its answer describes. */
function failWithBody(request: http.ClientRequest, response: http.IncomingMessage): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let failed = false;
  const fail = (): void => {
    if (failed) return;
    failed = true;
    const text = Buffer.concat(pieces).toString();
    const tag = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? '';
    const error = new RetriedStatusError(response.statusCode ?? 0, tag('Code'), tag('Message'));
    // An answer before the end of our body: nothing more will be read of it, so the connection is of no use either.
    if (request.writableFinished && response.complete) request.emit('error', error);
    else request.destroy(error);
  };
  response.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= errorBodyBytesMax) pieces.push(piece);
    else fail();
  });
  response.on('end', fail);
  response.on('error', fail);
  response.on('close', fail);
}

/** Upload ids and continuation tokens are no secrets, but noise. */
function withoutQueryValues(path: string): string {
  return path.replace(/=[^&]*/g, '=');
}
