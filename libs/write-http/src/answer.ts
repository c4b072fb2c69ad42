import { OperationalError, type ErrorKind } from '@gauntlet/base';
import type { IncomingHttpHeaders } from 'node:http';
import { WriteLimitedError, WriteNotReadyError } from './errors.js';
import { meansVersion2, type RemoteWriteVersion } from './media-type.js';
import { noItems, type ItemCounts, type WriteOutcome } from './write-target.js';

/** What goes back to the client. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * How the request is spoken to: remote write by its version, or OTLP. `v1-plain` is 1.0 of a sender that names no version, as none of those does that know
 * Thanos' codes: it gets those of the specification.
 */
export type Dialect = RemoteWriteVersion | 'v1-plain' | 'otlp';

const versionHeader = 'x-prometheus-remote-write-version';

/** How a remote write request is spoken to, whatever is wrong with it. */
export function dialectOf(headers: IncomingHttpHeaders): Dialect {
  if (meansVersion2(headers['content-type'])) return 'v2';
  return headers[versionHeader] === undefined ? 'v1-plain' : 'v1';
}

/** A client that went away before its answer; nobody sees it but metrics and logs. */
export const clientGoneStatus = 499;

/** Those who are turned away together should not come back together. */
const retryAfterSecondsMin = 1;
const retryAfterSecondsMax = 3;

const empty = new Uint8Array(0);

/** Decides what requests are told. Knows no socket. */
export class Answers {
  readonly #random: () => number;

  /** @param random from 0 to 1, for the jitter of Retry-After */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** 200 is what clients of remote write 1.0 know from Thanos, 204 what the specification of 2.0 prefers. */
  success(dialect: Dialect, written: ItemCounts): Answer {
    return { status: dialect === 'v2' ? 204 : 200, headers: writtenHeaders(dialect, written), body: empty };
  }

  ofOutcome(dialect: Dialect, outcome: WriteOutcome): Answer {
    const { verdict, text, written } = outcome;
    switch (verdict) {
      case 'stored':
        return this.success(dialect, written);
      case 'conflict':
        return this.#refusal(dialect, { status: conflictStatus(dialect), text, written });
      case 'limited':
        return this.#refusal(dialect, { status: 429, text, written });
      case 'unavailable':
        return this.#refusal(dialect, { status: 503, text, written });
    }
  }

  ofError(dialect: Dialect, error: unknown): Answer {
    const status = statusOfError(dialect, error);
    const isKnown = error instanceof OperationalError;
    const text = isKnown ? error.message : status === 500 ? 'internal error' : 'bad request';
    const retryAfterMs = error instanceof WriteLimitedError ? error.retryAfterMs : undefined;
    const answer = this.#refusal(dialect, { status, text, written: noItems, retryAfterMs });
    // The one text that Thanos sends without a newline.
    return error instanceof WriteNotReadyError ? { ...answer, body: Buffer.from(text) } : answer;
  }

  #refusal(
    dialect: Dialect,
    refusal: {
      readonly status: number;
      readonly text: string;
      readonly written: ItemCounts;
      readonly retryAfterMs?: number | undefined;
    },
  ): Answer {
    const { status, text, written, retryAfterMs } = refusal;
    const headers: Record<string, string> = { ...textHeaders, ...writtenHeaders(dialect, written) };
    if (status === 429 || status === 503) headers['Retry-After'] = String(this.#retryAfterSeconds(retryAfterMs));
    // The rest of the body will not be read, so the connection cannot carry another request.
    if (status === 413) headers['Connection'] = 'close';
    return { status, headers, body: Buffer.from(`${text}\n`) };
  }

  #retryAfterSeconds(waitMs: number | undefined): number {
    if (waitMs !== undefined) return Math.max(1, Math.ceil(waitMs / 1000));
    const spread = retryAfterSecondsMax - retryAfterSecondsMin + 1;
    return retryAfterSecondsMin + Math.min(spread - 1, Math.floor(this.#random() * spread));
  }
}

const textHeaders = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

export function textAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...textHeaders, ...headers }, body: Buffer.from(text) };
}

export function isCancelled(error: unknown): boolean {
  return error instanceof OperationalError && error.kind === 'cancelled';
}

/** Whether the error is our bug: not the world's, and not express' own refusal of a request. */
export function isInternal(error: unknown): boolean {
  return !(error instanceof OperationalError) && !isExpressRefusal(error);
}

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  rejected: 400,
  conflict: 409,
  overloaded: 503,
  unavailable: 503,
  corrupt: 500,
  cancelled: clientGoneStatus,
};

function statusOfError(dialect: Dialect, error: unknown): number {
  if (!(error instanceof OperationalError)) return isExpressRefusal(error) ? 400 : 500;
  const { httpStatus } = error as { readonly httpStatus?: number };
  if (httpStatus !== undefined && error.kind !== 'cancelled') return httpStatus;
  if (error.code === 'MESSAGE_TOO_LARGE' || error.code === 'OTLP_TOO_LARGE') return 413;
  return error.kind === 'conflict' ? conflictStatus(dialect) : statusOfKind[error.kind];
}

/** What can never be stored: Thanos says 409 of it, the specifications 400. */
function conflictStatus(dialect: Dialect): number {
  return dialect === 'v2' || dialect === 'v1-plain' ? 400 : 409;
}

function isExpressRefusal(error: unknown): boolean {
  return (error as { readonly status?: unknown } | undefined)?.status === 400;
}

function writtenHeaders(dialect: Dialect, written: ItemCounts): Record<string, string> {
  if (dialect !== 'v2') return {};
  return {
    'X-Prometheus-Remote-Write-Samples-Written': String(written.samples),
    'X-Prometheus-Remote-Write-Histograms-Written': String(written.histograms),
    'X-Prometheus-Remote-Write-Exemplars-Written': String(written.exemplars),
  };
}
