import { type Clock } from '@gauntlet/base';

/** Spec/objstore.md 3.2, "Retry rules". */
export const attemptsDefault = 10;
const waitMsBase = 200;
const waitMsMax = 1000;

/** Status codes that say "not now". The client library would retry these itself, blindly; our transport turns them into errors first. */
export const retriedStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

const retriedCodes: ReadonlySet<string> = new Set([
  'RequestError',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'InternalError',
  'ExpiredToken',
  'ExpiredTokenException',
  'SlowDown',
  'SlowDownWrite',
  'SlowDownRead',
]);

/** Errors of the certificate check, by Node's code: the same certificate will come again. */
const finalTlsCodes =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|ERR_SSL_WRONG_VERSION|HOSTNAME_MISMATCH|INVALID_CA)/;

/** An answer that asks to come back later, read and thrown by our transport. */
export class RetriedStatusError extends Error {
  readonly status: number;
  /** S3's code from the body, where there was one. */
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(`HTTP status ${status}${code === '' ? '' : ` (${code})`}${message === '' ? '' : `: ${message}`}`);
    this.status = status;
    this.code = code;
  }
}

/** The connection broke or stayed silent longer than a limit. */
export class TransportError extends Error {
  readonly code = 'RequestError';
}

/** Whether another attempt may end better. */
export function isRetried(error: unknown): boolean {
  if (error instanceof RetriedStatusError || error instanceof TransportError) return true;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code !== 'string') return false;
  if (retriedCodes.has(code)) return true;
  if (finalTlsCodes.test(code)) return false;
  if (code === 'EPROTO') return !/wrong version number|http request/i.test((error as Error).message); // Plain HTTP where TLS was expected.
  return syscall !== undefined || /^E[A-Z]+$|^ERR_(STREAM|SOCKET|HTTP)|^HPE_/.test(code);
}

/** How long to wait after failed attempt `attempt` (from 1): full jitter below a bound that doubles. */
export function waitMs(attempt: number, random: () => number): number {
  return (1 - random()) * Math.min(waitMsMax, waitMsBase * 2 ** attempt);
}

/** Runs until it succeeds, fails for good, or has used its attempts; throws the last error. */
export async function retrying<T>(
  {
    attemptsMax,
    clock,
    random,
    signal,
  }: { attemptsMax: number; clock: Pick<Clock, 'sleep'>; random: () => number; signal: AbortSignal },
  run: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (signal.aborted || attempt >= attemptsMax || !isRetried(error)) throw error;
    }
    await clock.sleep(waitMs(attempt, random), signal);
  }
}
