import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type RequestListener } from 'node:http';
import { type Log } from '@gauntlet/base';
import { type ProtocolLogging, type RequestLogConfig, requestLogLevels } from './request-log-config.js';

/** Tells the log of requests, as far as the operator asked for it. */
export interface RequestLog {
  /** Tells of an HTTP request that begins. The function it returns tells of its end, with its status. */
  http(request: IncomingMessage, handler?: string): (status: number) => void;
  /** Listeners of a gRPC server, to be spread into its options. There are none if nothing is logged. */
  readonly grpc: {
    readonly onCallStart?: (call: LoggedCall) => void;
    readonly onCall?: (call: LoggedEndOfCall) => void;
  };
}

/** What is logged of a gRPC call that begins. */
export interface LoggedCall {
  readonly id: number;
  /** `/package.Service/Method` */
  readonly path: string;
}

export interface LoggedEndOfCall extends LoggedCall {
  /** Such as `DEADLINE_EXCEEDED`. */
  readonly code: string;
  readonly seconds: number;
}

/**
 * Lines are those of Thanos: a start is told at level debug; an end at debug too, or at error for what was our fault. The level of the config
 * lets through what is at least as grave, and so does that of the process: to see every request both must be debug.
 */
export function createRequestLog(config: RequestLogConfig | undefined, log: Log): RequestLog {
  const ignore = (): void => {};
  if (!config) return { http: () => ignore, grpc: {} };
  return { http: logsOf(config.http) ? httpLog(config.http, log) : () => ignore, grpc: grpcLog(config.grpc, log) };
}

/** Has the requests of a listener logged, from their headers to the end of their answer, or of their connection. */
export function logRequests(
  listener: RequestListener,
  handler: string,
  requestLog: RequestLog | undefined,
): RequestListener {
  if (!requestLog) return listener;
  return (request, response) => {
    const end = requestLog.http(request, handler);
    response.once('close', () => end(response.headersSent ? response.statusCode : clientGoneStatus));
    listener(request, response);
  };
}

/** Of a request that was never answered. */
const clientGoneStatus = 499;

function logsOf({ logsStart, logsEnd }: ProtocolLogging<unknown>): boolean {
  return logsStart || logsEnd;
}

type Writer = (line: { isGrave: boolean; message: string; fields: Record<string, unknown> }) => void;

function writerOf({ level }: ProtocolLogging<unknown>, log: Log): Writer {
  const letsDebugThrough = requestLogLevels.indexOf(level) === 0;
  return ({ isGrave, message, fields }) => {
    if (isGrave) log.error(message, fields);
    else if (letsDebugThrough) log.debug(message, fields);
  };
}

/** What a client writes into the log is bounded. */
const clientTextMax = 512;
const cut = (text: string | string[] | undefined): string => String(text ?? '').slice(0, clientTextMax);

function httpLog(config: RequestLogConfig['http'], log: Log): RequestLog['http'] {
  const write = writerOf(config, log);
  const isWanted = (request: IncomingMessage): boolean => {
    if (config.only.length === 0) return true;
    const path = (request.url ?? '').split('?', 1)[0];
    // The port is the one that the client names, or the one that we listen on: behind a service they differ.
    const ports = [Number(/:(\d+)$/.exec(request.headers.host ?? '')?.[1]), request.socket.localPort];
    return config.only.some((only) => only.path === path && (only.port === undefined || ports.includes(only.port)));
  };
  return (request, handler = '') => {
    if (!isWanted(request)) return () => {};
    const startMs = performance.now();
    const fields = {
      protocol: 'http',
      'http.component': 'server',
      'http.method': `${request.method} ${cut(request.url)}`,
      'http.request_id': cut(request.headers['x-request-id']) || randomUUID(),
      'http.user_agent': cut(request.headers['user-agent']),
      'thanos.method_name': handler,
    };
    if (config.logsStart) {
      const start = { ...fields, 'http.start_time': new Date().toISOString() };
      write({ isGrave: false, message: 'started call', fields: start });
    }
    // Asked for now: a socket that is closed at the end has forgotten it.
    const remote = cut(request.headers['x-forwarded-for']) || (request.socket.remoteAddress ?? '');
    return (status) => {
      const end = {
        ...fields,
        'http.status_code': status,
        'http.time_ms': millisecondsSince(startMs),
        'http.remote_addr': remote,
      };
      write({ isGrave: status < 200 || status >= 500, message: 'finished call', fields: end });
    };
  };
}

const graveCodes = ['UNKNOWN', 'UNIMPLEMENTED', 'INTERNAL', 'DATA_LOSS'];

function grpcLog(config: RequestLogConfig['grpc'], log: Log): RequestLog['grpc'] {
  if (!logsOf(config)) return {};
  const write = writerOf(config, log);
  const wanted = new Set(config.only.map(({ service, method }) => `/${service}/${method}`));
  const isWanted = ({ path }: LoggedCall): boolean => wanted.size === 0 || wanted.has(path);
  const fieldsOf = ({ id, path }: LoggedCall): Record<string, unknown> => {
    const [, service, method] = path.split('/');
    return {
      protocol: 'grpc',
      'grpc.component': 'server',
      'grpc.service': cut(service),
      'grpc.method': cut(method),
      requestID: id,
    };
  };
  const onCall = (call: LoggedEndOfCall): void => {
    if (!isWanted(call)) return;
    const fields = {
      ...fieldsOf(call),
      'grpc.code': goNameOf(call.code),
      'grpc.time_ms': Math.round(call.seconds * 1e6) / 1000,
    };
    write({ isGrave: graveCodes.includes(call.code), message: 'finished call', fields });
  };
  if (!config.logsStart) return { onCall };
  const onCallStart = (call: LoggedCall): void => {
    if (isWanted(call)) write({ isGrave: false, message: 'started call', fields: fieldsOf(call) });
  };
  return { onCallStart, onCall };
}

function millisecondsSince(startMs: number): number {
  return Math.round((performance.now() - startMs) * 1000) / 1000;
}

/** `DEADLINE_EXCEEDED` to `DeadlineExceeded`, the spelling that operators search for. */
function goNameOf(code: string): string {
  if (code === 'OK') return code;
  if (code === 'CANCELLED') return 'Canceled';
  return code.toLowerCase().replace(/(^|_)([a-z])/g, (_all, _underscore, letter: string) => letter.toUpperCase());
}
