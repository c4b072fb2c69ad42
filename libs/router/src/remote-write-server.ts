import { minuteMs, secondMs, OperationalError, type Clock, type ErrorKind } from '@gauntlet/base';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Admission } from './admission.js';
import { BodyReader } from './body-reader.js';
import { RequestRefusedError, RouterNotReadyError } from './errors.js';
import { checkMediaType } from './media-type.js';
import type { RouterObserver } from './observer.js';
import type { Router } from './router.js';
import { resolveTenant } from './tenant.js';

export interface RemoteWriteServerOptions {
  readonly router: Router;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly observer: RouterObserver;
  /** Told of our own bugs, whose text no client sees. */
  readonly onInternalError: (error: unknown) => void;
  readonly tenantHeader: string;
  readonly defaultTenant: string;
  readonly bodyBytesMax: number;
}

const receivePath = '/api/v1/receive';
const statusPath = '/api/v1/status/tsdb';
const methodsOf: Readonly<Record<string, readonly string[]>> = { [receivePath]: ['POST'], [statusPath]: ['GET'] };
/** Longer than the five minutes after which Prometheus closes a connection itself, so that no request meets a closing one. */
const idleConnectionMsMax = 10 * minuteMs;
/** How long a client may take to send a request; afterwards it gets 408. */
const requestMsMax = 60 * secondMs;
/** When clients that were turned away should come back. */
const retryAfterSeconds = 1;

/** The listener that remote write clients talk to. Bodies are handled as bytes; express only routes. */
export class RemoteWriteServer {
  readonly #options: RemoteWriteServerOptions;
  readonly #bodies: BodyReader;
  readonly #server: Server;

  constructor(options: RemoteWriteServerOptions) {
    this.#options = options;
    this.#bodies = new BodyReader(options.bodyBytesMax);
    this.#server = createServer({ requestTimeout: requestMsMax, keepAliveTimeout: idleConnectionMsMax }, this.#app());
  }

  /** Rejects with the error of the socket, as Node has it. */
  listen(port: number, host: string | undefined): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no more connections, and ends each that is idle or falls so. */
  stopListening(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  /** Breaks off what is left. */
  closeAllConnections(): void {
    this.#server.closeAllConnections();
  }

  #app(): Express {
    const app = express();
    app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
    app.post(receivePath, (request, response) => this.#receive(request, response));
    app.get(statusPath, (_, response) => this.#status(response));
    app.use((request: Request, response: Response) => answerElsewhere(request, response));
    // Whatever express refuses by itself, such as a path that does not decode.
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) =>
      this.#answerError(response, error),
    );
    return app;
  }

  async #receive(request: Request, response: Response): Promise<void> {
    const { router, clock, observer, tenantHeader: header, defaultTenant } = this.#options;
    const startMs = clock.monotonicMs();
    if (!router.ready) return void this.#answerError(response, new RouterNotReadyError());
    let tenant: string;
    try {
      tenant = resolveTenant(request.headersDistinct, { header, defaultTenant });
    } catch (error) {
      return void this.#answerError(response, error);
    }
    const labels = { handler: 'receive', method: 'POST', tenant };
    observer.requestStarted(labels);
    let requestBytes = 0;
    let responseBytes = 0;
    try {
      requestBytes = await this.#write(request, tenant);
      response.writeHead(200, { 'Content-Length': 0 }).end();
    } catch (error) {
      responseBytes = this.#answerError(response, error);
    } finally {
      const seconds = (clock.monotonicMs() - startMs) / 1000;
      observer.requestFinished({ ...labels, status: response.statusCode, seconds, requestBytes, responseBytes });
    }
  }

  /** @returns the size of the body */
  async #write(request: Request, tenant: string): Promise<number> {
    const { router, admission, observer } = this.#options;
    checkMediaType(request.headers['content-type'], request.headers['content-encoding']);
    this.#bodies.checkLength(request);
    const claim = admission.claim(0);
    try {
      const body = await this.#bodies.read(request, (count) => claim.grow(count));
      const requestBytes = body.bytes.length;
      let write;
      try {
        write = router.route(body.bytes, 'snappy-block', { kind: 'prometheus', tenant }, () =>
          checkReplicaHeader(request),
        );
      } finally {
        body.release();
      }
      const { series, samples } = write;
      if (series === 0) return requestBytes;
      try {
        await write.stored;
        observer.written({ tenant, status: 200, series, samples });
      } catch (error) {
        observer.written({ tenant, status: statusOf(error), series, samples });
        throw error;
      }
      return requestBytes;
    } finally {
      claim.release();
    }
  }

  /** A router holds no series of its own. */
  #status(response: Response): void {
    const ready = this.#options.router.ready;
    const body = ready
      ? { status: 'success', data: [] }
      : { status: 'error', errorType: 'internal', error: 'service unavailable' };
    response
      .writeHead(ready ? 200 : 500, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' })
      .end(JSON.stringify(body));
  }

  /** @returns the size of the answer */
  #answerError(response: Response, error: unknown): number {
    const status = statusOf(error);
    if (error instanceof OperationalError) {
      // Nobody is left to read it.
      if (error.kind === 'cancelled') return (response.destroy(), 0);
      if (error.kind === 'overloaded') response.setHeader('Retry-After', retryAfterSeconds);
      // The rest of the body will not be read, so the connection cannot carry another request.
      if (status === 413) response.setHeader('Connection', 'close');
    } else if (!isExpressRefusal(error)) {
      this.#options.onInternalError(error);
    }
    const text = error instanceof OperationalError ? error.message : status === 500 ? 'internal error' : 'bad request';
    return answerText(response, status, error instanceof RouterNotReadyError ? text : `${text}\n`);
  }
}

const statusOfCode: Readonly<Record<string, number>> = {
  BODY_TOO_LARGE: 413,
  MESSAGE_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  NO_MATCHING_HASHRING: 500,
};
const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  rejected: 400,
  conflict: 409,
  overloaded: 503,
  unavailable: 503,
  corrupt: 500,
  cancelled: 500,
};

function statusOf(error: unknown): number {
  if (error instanceof OperationalError) return statusOfCode[error.code] ?? statusOfKind[error.kind];
  return isExpressRefusal(error) ? 400 : 500;
}

function isExpressRefusal(error: unknown): boolean {
  return (error as { readonly status?: unknown }).status === 400;
}

function answerText(response: Response, status: number, text: string): number {
  const body = Buffer.from(text);
  response
    .writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': body.length,
    })
    .end(body);
  return body.length;
}

/** Known paths with other methods, nearly known paths, and unknown ones. */
function answerElsewhere(request: Request, response: Response): void {
  const methods = methodsOf[request.path];
  if (methods) {
    response.setHeader('Allow', [...methods, 'OPTIONS'].sort().join(', '));
    if (request.method === 'OPTIONS') response.writeHead(200, { 'Content-Length': 0 }).end();
    else answerText(response, 405, 'Method Not Allowed\n');
    return;
  }
  const clean = request.path.toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
  if (methodsOf[clean]?.includes(request.method)) {
    const query = request.originalUrl.slice(request.path.length);
    response.writeHead(request.method === 'GET' ? 301 : 307, { Location: clean + query, 'Content-Length': 0 }).end();
    return;
  }
  answerText(response, 404, '404 page not found\n');
}

/** A router replicates whatever the header says, but it must be a 64-bit number. @throws RequestRefusedError */
function checkReplicaHeader(request: Request): void {
  const text = request.headersDistinct['thanos-replica']?.[0];
  if (text && (!/^\d+$/.test(text) || BigInt(text) > 0xffffffffffffffffn)) {
    throw new RequestRefusedError('REPLICA_HEADER_INVALID', 'could not parse replica header');
  }
}
