import { type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import express, { type Express } from 'express';
import { messageOf, silentLog, type Log } from '@gauntlet/base';
import { createGatedServer, openWebGate, TlsConfigError, type WebGate } from '@gauntlet/tls';
import { ListenError, listenError, parseListenAddress } from './listen-address.js';
import { type MetricRegistry, collectGauge } from './registry.js';
import { logRequests, type RequestLog } from './request-log.js';
import { collectTlsMetrics } from './tls-metrics.js';

export interface ProbeServerOptions {
  /** `host:port`, as `--http-address` has it. */
  readonly address: string;
  readonly registry: MetricRegistry;
  /** Whether work is welcome. Asked at each probe, so it must be cheap. */
  ready(): boolean;
  /** Lines that `/-/ready` says beside it: why not, or with `?verbose` what is not complete yet. */
  readyNotes?(): readonly string[];
  /** Whether the process should live on; always, by default. */
  healthy?(): boolean;
  /** The `component` of `thanos_status`. */
  readonly component?: string;
  /** The file of `--http.config`, which says who may ask, and over what; without it anyone may, in plain text. */
  readonly webConfigFile?: string | undefined;
  /** Told when that file changes or cannot be used. */
  readonly log?: Log;
  readonly requestLog?: RequestLog | undefined;
  /** Further routes of the app. */
  routes?(app: Express): void;
}

export interface ProbeServer {
  readonly port: number;
  /** Waits for running requests as long as the grace period, then breaks them off. */
  stop(graceMs: number): Promise<void>;
}

/** Serves `/-/healthy`, `/-/ready` and `/metrics` (spec receive 2.2). Rejects with `ListenError`, or with `TlsConfigError` for the file. */
export async function startProbeServer(options: ProbeServerOptions): Promise<ProbeServer> {
  const { registry, ready, readyNotes = () => [], healthy = () => true } = options;
  collectGauge(registry, {
    name: 'thanos_status',
    help: 'Represents status (0 indicates failure, 1 indicates success) of the component.',
    labelNames: ['check', 'component'],
    read: () => [
      { labels: { check: 'healthy', component: options.component ?? 'receive' }, value: Number(healthy()) },
      { labels: { check: 'ready', component: options.component ?? 'receive' }, value: Number(ready()) },
    ],
  });
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  app.all('/-/healthy', (_request, response) => answerProbe(response, healthy()));
  // Of a process that is ready whoever asks gets the exact text that they know; `?verbose` is for people.
  app.all('/-/ready', ({ query }, response) => {
    const isReady = ready();
    answerProbe(response, isReady, isReady && query['verbose'] === undefined ? [] : readyNotes());
  });
  app.get('/metrics', async (request, response) => {
    const openMetrics = request.headers.accept?.includes('application/openmetrics-text') ?? false;
    const type = openMetrics ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4';
    response.setHeader('Content-Type', `${type}; charset=utf-8; escaping=underscores`);
    const text = await registry.render(openMetrics ? 'openmetrics' : 'text');
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
      response.end(text);
      return;
    }
    response.setHeader('Content-Encoding', 'gzip');
    response.end(await promisify(gzip)(text));
  });
  options.routes?.(app);
  app.use((_request, response) => answerText(response, 404, '404 page not found\n'));

  const gate = await openGate(options);
  const { server, tally } = createGatedServer(logRequests(app, 'http', options.requestLog), gate);
  if (gate?.tls) collectTlsMetrics(registry, [gate.tls], () => tally.refusedConnections);
  try {
    await listenOn(server, options.address);
  } catch (error) {
    gate?.close();
    throw new ListenError('LISTEN_FAILED', `serve HTTP and metrics: ${messageOf(error)}`, { cause: error });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async stop(graceMs) {
      await stopServer(server, graceMs);
      gate?.close();
    },
  };
}

async function openGate({ webConfigFile, log = silentLog }: ProbeServerOptions): Promise<WebGate | undefined> {
  try {
    return webConfigFile === undefined ? undefined : await openWebGate(webConfigFile, { log });
  } catch (error) {
    if (!(error instanceof TlsConfigError)) throw error;
    throw new TlsConfigError(`server could not be started: ${error.message}`, { cause: error });
  }
}

/** Binds any HTTP server to a flag's address. Throws `ListenError`, without saying what for. */
export async function listenOn(server: Server, text: string): Promise<void> {
  const address = parseListenAddress(text);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(address, error));
    server.once('error', onError);
    server.listen({ port: address.port, ...(address.host === '' ? {} : { host: address.host }) }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

/** Stops an HTTP server: no new connections, a grace period for running requests, then the rest is cut. */
export async function stopServer(server: Server, graceMs: number): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(timer);
}

/** Without notes the answers are those of Thanos. */
function answerProbe(response: ServerResponse, ok: boolean, notes: readonly string[] = []): void {
  const lines = notes.map((note) => `${note}\n`).join('');
  if (!ok) {
    answerText(response, 503, `NOT OK\n${lines}`);
    return;
  }
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(lines === '' ? 'OK' : `OK\n${lines}`);
}

function answerText(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.end(body);
}
