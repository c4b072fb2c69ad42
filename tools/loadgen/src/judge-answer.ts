import { type IncomingHttpHeaders } from 'node:http';
import { type RemoteWriteVersion } from './body-layout.js';

/** What was sent: floats only, so histograms and exemplars must be told of as none, or not at all. */
export interface SentRequest {
  readonly version: RemoteWriteVersion;
  readonly samples: number;
}

/** The code under which a success counts that tells of other samples than were sent. */
export const miscounted = 'MISCOUNTED';

/** Whether all samples of a request with this code were accepted. */
export const isSuccess = (code: string): boolean => /^2\d\d$/.test(code);

/**
 * The code of an answer and what is said of it. A receiver of 2.0 tells in headers how many samples it has written; one that takes bodies of 2.0 for 1.0
 * may answer 2xx all the same, so a success counts only with the right headers. 1.0 has none.
 */
export function judgeAnswer(
  { version, samples }: SentRequest,
  { status, headers, text }: { status: number; headers: IncomingHttpHeaders; text: string },
): { code: string; text: string } {
  const code = String(status);
  if (version === '1.0' || !isSuccess(code)) return { code, text };
  const told = (kind: string): string => {
    const value = headers[`x-prometheus-remote-write-${kind}-written`];
    return typeof value === 'string' ? value : 'none';
  };
  const written = { samples: told('samples'), histograms: told('histograms'), exemplars: told('exemplars') };
  const isNothing = (count: string): boolean => count === 'none' || count === '0';
  if (written.samples === String(samples) && isNothing(written.histograms) && isNothing(written.exemplars))
    return { code, text };
  return {
    code: miscounted,
    text: `${code} tells of ${written.samples} samples, ${written.histograms} histograms and ${written.exemplars} exemplars written; ${samples} samples were sent`,
  };
}
