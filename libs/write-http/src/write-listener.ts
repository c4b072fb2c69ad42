import { MiB, minuteMs, secondMs, silentLog, systemClock, type Clock, type Log } from '@gauntlet/base';
import type { Intake } from '@gauntlet/kernel';
import type { WriteLimits } from '@gauntlet/limits';
import { createUlid, ulidRandomBytes, type TenantId } from '@gauntlet/model';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Server as NetServer, type AddressInfo } from 'node:net';
import type { Admission } from './admission.js';
import {
  Answers,
  clientGoneStatus,
  dialectOf,
  isCancelled,
  isInternal,
  textAnswer,
  type Answer,
  type Dialect,
} from './answer.js';
import { WriteNotReadyError } from './errors.js';
import { silentWriteObserver, type HandlerName, type WriteObserver } from './observer.js';
import { tellInternalErrors } from './internal-errors.js';
import { receiveOtlp, type OtlpTranslator } from './otlp.js';
import type { Relabel } from './rewrite-request.js';
import { answerStatus, statusPath, type StatusHandler } from './status.js';
import { resolveTenant, tenantHeaderDefault, type CertificateField, type Tenancy } from './tenancy.js';
import { TenantLabels } from './tenant-labels.js';
import { WriteHandler, type WriteCall } from './write-handler.js';
import { noWriteLimits } from './write-limits.js';
import type { WriteTarget } from './write-target.js';

export interface WriteListenerOptions {
  readonly target: WriteTarget;
  /** Shared with the target; calls of both are synchronous. */
  readonly intake: Intake;
  /** May bound other writes of this process too: closing it at a stop closes all of them. */
  readonly admission: Admission;
  /** `GET /api/v1/status/tsdb`. */
  readonly status: StatusHandler;
  readonly limits?: WriteLimits | undefined;
  readonly tenantHeader?: string | undefined;
  readonly defaultTenant?: string | undefined;
  readonly certificateField?: CertificateField | undefined;
  readonly splitLabel?: string | undefined;
  readonly relabel?: Relabel | undefined;
  /** Without it there is no `POST /api/v1/otlp`. */
  readonly otlp?: OtlpTranslator | undefined;
  readonly replicaHeader?: string | undefined;
  /** A longer body is refused, as it comes. */
  readonly bodyBytesMax?: number | undefined;
  /** Tenants that metrics name; more of them share one name. */
  readonly tenantLabelsMax?: number | undefined;
  /** Connections beyond this are closed as they come. */
  readonly connectionsMax?: number | undefined;
  /** How long a client may take to send a request; afterwards it gets 408. */
  readonly requestMsMax?: number | undefined;
  readonly observer?: WriteObserver | undefined;
  readonly requestLog?: RequestLogger | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
  readonly log?: Log | undefined;
  /** Told of our own bugs, whose text no client sees; otherwise they go to the log. */
  readonly onInternalError?: ((error: unknown) => void) | undefined;
  /** Where TLS comes from: `(handler) => createWebServer(handler, tls).server`. The listener sets the server's time limits. */
  readonly createServer?: ((handler: RequestListener) => Server | HttpsServer) | undefined;
}

/** Is told of a request that begins, whose `x-request-id` is set then; what it returns is told of its end. */
export type RequestLogger = (request: IncomingMessage, handler: HandlerName) => (status: number) => void;

export interface WriteListener {
  /** Rejects with the error of the socket, as Node has it. Without a host it listens on every interface. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /**
   * Takes no more connections. Those that are there are served on, and told to end in each answer; when `lingerMs` are over, those that are idle are ended.
   * Resolves when none is left.
   */
  stopListening(lingerMs: number): Promise<void>;
  /** Breaks off what is left. */
  closeAllConnections(): void;
}

export const writeListenerDefaults = {
  defaultTenant: 'default-tenant',
  tenantHeader: tenantHeaderDefault,
  replicaHeader: 'THANOS-REPLICA',
  bodyBytesMax: 32 * MiB,
  requestsInflightMax: 1000,
  bytesInflightMax: 256 * MiB,
  tenantLabelsMax: 1000,
  connectionsMax: 5000,
  requestMsMax: 60 * secondMs,
  /** Before idle connections are ended: clients that send often have had an answer that says so. */
  lingerMs: 1500,
} as const;

/** Longer than the five minutes after which Prometheus closes a connection itself, so that no request meets a closing one. */
const idleConnectionMsMax = 10 * minuteMs;
/** Of a request, until its body begins. */
const headersMsMax = 20 * secondMs;
/** How long a request is read on whose answer is given. */
const lingerMsMax = 5 * secondMs;
/** How often time limits are looked at. */
const limitCheckMs = 5 * secondMs;

const receivePath = '/api/v1/receive';
const otlpPath = '/api/v1/otlp';

/** The listener that clients write to. Bodies are handled as bytes; express only routes. */
export function createWriteListener(options: WriteListenerOptions): WriteListener {
  return new NodeWriteListener(options);
}

class NodeWriteListener implements WriteListener {
  readonly #target: WriteTarget;
  readonly #status: StatusHandler;
  readonly #tenancy: Tenancy;
  readonly #observer: WriteObserver;
  readonly #clock: Clock;
  readonly #requestLog: WriteListenerOptions['requestLog'];
  readonly #onInternalError: (error: unknown) => void;
  readonly #labels: TenantLabels;
  readonly #answers: Answers;
  readonly #handler: WriteHandler;
  readonly #otlp: OtlpTranslator | undefined;
  readonly #methodsOf: Readonly<Record<string, readonly string[]>>;
  readonly #server: Server | HttpsServer;
  #isStopping = false;

  constructor(options: WriteListenerOptions) {
    const defaults = writeListenerDefaults;
    this.#target = options.target;
    this.#status = options.status;
    this.#tenancy = {
      tenantHeader: options.tenantHeader ?? defaults.tenantHeader,
      defaultTenant: options.defaultTenant ?? defaults.defaultTenant,
      certificateField: options.certificateField,
    };
    this.#observer = options.observer ?? silentWriteObserver;
    this.#clock = options.clock ?? systemClock;
    this.#requestLog = options.requestLog;
    this.#onInternalError = options.onInternalError ?? tellInternalErrors(options.log ?? silentLog);
    this.#labels = new TenantLabels(options.tenantLabelsMax ?? defaults.tenantLabelsMax);
    this.#answers = new Answers(options.random ?? Math.random);
    this.#handler = new WriteHandler({
      target: options.target,
      intake: options.intake,
      admission: options.admission,
      limits: options.limits ?? noWriteLimits,
      rules: { relabel: options.relabel, splitLabel: options.splitLabel || undefined },
      clock: this.#clock,
      answers: this.#answers,
      bodyBytesMax: options.bodyBytesMax ?? defaults.bodyBytesMax,
      replicaHeader: options.replicaHeader ?? defaults.replicaHeader,
      onOutcome: ({ tenants }, status) => {
        for (const write of tenants)
          this.#observer.written({ ...write, tenant: this.#labels.labelOf(write.tenant), status });
      },
    });
    this.#otlp = options.otlp;
    this.#methodsOf = {
      [receivePath]: ['POST'],
      ...(options.otlp && { [otlpPath]: ['POST'] }),
      [statusPath]: ['GET'],
    };
    this.#server = this.#createServer(options);
  }

  listen(port: number, host?: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  async stopListening(lingerMs: number): Promise<void> {
    this.#isStopping = true;
    const server = this.#server;
    const closed = new Promise<void>((resolve) => {
      // The way of http.Server ends idle connections at once, and with them requests that are on their way.
      NetServer.prototype.close.call(server, () => resolve());
    });
    if (lingerMs > 0) {
      const waiting = new AbortController();
      await Promise.race([closed, this.#clock.sleep(lingerMs, waiting.signal).catch(() => undefined)]);
      waiting.abort('over');
    }
    // Connections that fall idle later are told to end in their answer.
    server.close();
    server.closeIdleConnections();
    await closed;
  }

  closeAllConnections(): void {
    this.#server.closeAllConnections();
  }

  #createServer(options: WriteListenerOptions): Server | HttpsServer {
    const { requestMsMax = writeListenerDefaults.requestMsMax, createServer = createHttpServer } = options;
    const server = createServer(this.#app());
    server.requestTimeout = requestMsMax;
    server.headersTimeout = Math.min(headersMsMax, requestMsMax);
    server.keepAliveTimeout = idleConnectionMsMax;
    // By default Node drops headers beyond the thousandth without a word, and one of them may name the tenant. Their bytes are bounded all the same.
    server.maxHeadersCount = 0;
    // Node keeps the interval there, and reads it when the server begins to listen.
    Object.assign(server, { connectionsCheckingInterval: Math.min(limitCheckMs, requestMsMax) });
    server.maxConnections = options.connectionsMax ?? writeListenerDefaults.connectionsMax;
    return server;
  }

  #app(): Express {
    const app = express();
    app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
    app.post(receivePath, (request, response) =>
      this.#write({ name: 'receive', dialect: dialectOf(request.headers) }, request, response, (call) =>
        this.#handler.receive(call),
      ),
    );
    const otlp = this.#otlp;
    if (otlp)
      app.post(otlpPath, (request, response) =>
        this.#write({ name: 'otlp', dialect: 'otlp' }, request, response, (call) =>
          receiveOtlp(this.#handler, otlp, call),
        ),
      );
    app.get(statusPath, (request, response) =>
      this.#serve({ name: 'tsdb_status', dialect: 'v1' }, request, response, ({ request, response }) =>
        answerStatus(this.#status, request, response),
      ),
    );
    app.use((request: Request, response: Response) => this.#send(request, response, this.#answerElsewhere(request)));
    // Whatever express refuses by itself, such as a path that does not decode.
    app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
      if (isInternal(error)) this.#onInternalError(error);
      this.#send(request, response, this.#answers.ofError('v1', error));
    });
    return app;
  }

  #write(
    handler: { readonly name: HandlerName; readonly dialect: Dialect },
    request: Request,
    response: Response,
    work: (call: WriteCall) => Promise<Answer>,
  ): Promise<void> {
    return this.#serve(handler, request, response, async (served) => {
      if (!this.#target.ready) throw new WriteNotReadyError();
      const call: WriteCall = { request, response, tenant: served.tenant(), dialect: handler.dialect, requestBytes: 0 };
      try {
        return await work(call);
      } finally {
        served.requestBytes = call.requestBytes;
      }
    });
  }

  /** Answers a request, whatever comes of it, and tells of it. */
  async #serve(
    { name, dialect }: { readonly name: HandlerName; readonly dialect: Dialect },
    request: Request,
    response: Response,
    work: (served: Served) => Promise<Answer>,
  ): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const tenant = this.#tenantOf(request);
    const named = typeof tenant === 'string' ? this.#labels.labelOf(tenant) : '';
    const labels = { handler: name, method: request.method, tenant: named };
    this.#observer.requestStarted(labels);
    const logEnd = this.#logStart(request, name);
    const served: Served = {
      request,
      response,
      requestBytes: 0,
      tenant() {
        if (typeof tenant !== 'string') throw tenant.refusal;
        return tenant;
      },
    };
    let answer: Answer | undefined;
    try {
      answer = await work(served);
    } catch (error) {
      if (isInternal(error)) this.#onInternalError(error);
      if (!isCancelled(error)) answer = this.#answers.ofError(dialect, error);
    }
    if (answer) this.#send(request, response, answer);
    else response.destroy(); // Nobody is left to read it.
    const status = answer?.status ?? clientGoneStatus;
    const seconds = (this.#clock.monotonicMs() - startMs) / 1000;
    this.#observer.requestFinished({
      ...labels,
      status,
      seconds,
      requestBytes: served.requestBytes,
      responseBytes: answer?.body.length ?? 0,
    });
    logEnd?.(status);
  }

  #tenantOf(request: Request): TenantId | { readonly refusal: unknown } {
    try {
      return resolveTenant(request, this.#tenancy);
    } catch (refusal) {
      return { refusal };
    }
  }

  #logStart(request: Request, name: HandlerName): ((status: number) => void) | undefined {
    if (!this.#requestLog) return undefined;
    request.headers['x-request-id'] ||= createUlid(this.#clock.nowMs(), randomBytes(ulidRandomBytes));
    return this.#requestLog(request, name);
  }

  #send(request: Request, response: Response, { status, headers, body }: Answer): void {
    if (response.headersSent || response.destroyed) return;
    const length = status === 204 ? undefined : { 'Content-Length': body.length };
    const last = this.#isStopping ? { Connection: 'close' } : undefined;
    response.writeHead(status, { ...headers, ...length, ...last });
    const isLast = last !== undefined || headers['Connection'] === 'close';
    if (isLast && !request.complete) lingerOver(request, response, body);
    else response.end(body);
  }

  /** Known paths with other methods, nearly known paths, and unknown ones. */
  #answerElsewhere(request: Request): Answer {
    const methods = this.#methodsOf[request.path];
    if (methods) {
      const headers = { Allow: [...methods, 'OPTIONS'].sort().join(', ') };
      if (request.method === 'OPTIONS') return { status: 200, headers, body: new Uint8Array(0) };
      return textAnswer(405, 'Method Not Allowed\n', headers);
    }
    const clean = request.path.toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
    if (this.#methodsOf[clean]?.includes(request.method)) {
      const query = request.originalUrl.slice(request.path.length);
      const status = request.method === 'GET' ? 301 : 307;
      return { status, headers: { Location: clean + query }, body: new Uint8Array(0) };
    }
    return textAnswer(404, '404 page not found\n');
  }
}

/**
 * Sends the last answer of a connection whose request is still coming. To close now would reset the connection, and most clients, which write before they
 * read, would not see the answer but a fault of the network, and try again for ever. So what comes is read and dropped for a while.
 */
function lingerOver(request: Request, response: Response, body: Uint8Array): void {
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    request.off('end', end).off('close', end);
    if (!response.destroyed) response.end();
  };
  const timer = setTimeout(end, lingerMsMax).unref();
  request.on('end', end).on('close', end).resume();
}

/** A request being served. */
interface Served {
  readonly request: Request;
  readonly response: Response;
  requestBytes: number;
  /** Whose request it is. @throws why it is nobody's */
  tenant(): TenantId;
}
