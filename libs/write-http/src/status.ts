import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from './answer.js';
import { RequestRefusedError } from './errors.js';

export const statusPath = '/api/v1/status/tsdb';

/** `GET /api/v1/status/tsdb`, as the listener hands it on. */
export interface StatusRequest {
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

export interface StatusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type StatusHandler = (request: StatusRequest) => StatusAnswer | Promise<StatusAnswer>;

/** What a process without series of its own says (spec/receive.md 2.9). */
export function statusWithoutSeries(target: { readonly ready: boolean }): StatusHandler {
  const headers = { 'content-type': 'application/json', 'access-control-allow-origin': '*' };
  return () =>
    target.ready
      ? { status: 200, headers, body: '{"status":"success","data":[]}' }
      : { status: 500, headers, body: '{"status":"error","errorType":"internal","error":"service unavailable"}' };
}

/** Rejects with what the handler throws; as cancelled when the client has gone. */
export async function answerStatus(
  handler: StatusHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new RequestRefusedError('BODY_UNREADABLE', 'the client went away'));
  response.once('close', onClose);
  try {
    const { status, headers, body } = await handler({
      query: new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1]),
      header: (name) => request.headersDistinct[name.toLowerCase()]?.[0],
      signal: gone.signal,
    });
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return { status, headers, body: Buffer.from(body) };
    const compressed = { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' };
    return { status, headers: compressed, body: await promisify(gzip)(body) };
  } catch (error) {
    if (gone.signal.aborted) throw gone.signal.reason;
    throw error;
  } finally {
    response.off('close', onClose);
  }
}
