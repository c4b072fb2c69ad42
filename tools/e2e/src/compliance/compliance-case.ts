import type { HistogramV2, FloatInput, MetadataV2 } from './write-v2.js';

/** One leaf of Prometheus' receiver tests, under the name it has there without the receiver's. */
export interface ComplianceCase {
  readonly name: string;
  readonly protocol: 1 | 2;
  readonly series: readonly CaseSeries[];
  readonly expected: Expectation;
  /** Done to the request before it is sent. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly firstByte?: number;
}

/** Times are relative to the moment of sending. */
export interface CaseSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value?: FloatInput;
  readonly histogram?: HistogramV2;
  readonly offsetMs?: number;
  readonly createdOffsetMs?: number;
  readonly exemplars?: readonly CaseExemplar[];
  readonly metadata?: MetadataV2;
}

export interface CaseExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: FloatInput;
  readonly offsetMs?: number;
}

/** What is stored when all that can be stored is, and how it is answered. */
export interface Expectation {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  readonly success: boolean;
  /** Only 204 is a success. */
  readonly strict: boolean;
  /** The one right status; without it, any refusal is a 400. */
  readonly status?: number;
}

export interface CaseAnswer {
  readonly status: number;
  readonly text: string;
  /** From the headers `X-Prometheus-Remote-Write-*-Written`: `NaN` for what is no whole number, 0 for what is missing. */
  readonly written: Readonly<Record<WrittenKind, number>>;
}

export const writtenKinds = ['samples', 'histograms', 'exemplars'] as const;
export type WrittenKind = (typeof writtenKinds)[number];

/**
 * What is wrong with an answer by the rules of the receiver tests; nothing when they pass it. Two of the rules are laxer than one would
 * think: a 400 passes where a success is expected, and a refusal may report anything up to the whole request as written.
 */
export function flawsOf(expected: Expectation, { status, written }: CaseAnswer): string[] {
  const flaws: string[] = [];
  for (const kind of writtenKinds)
    if (Number.isNaN(written[kind])) flaws.push(`the number of ${kind} written is no number`);
  if (expected.status !== undefined && status !== expected.status)
    flaws.push(`status ${status} instead of ${expected.status}`);
  const family = Math.floor(status / 100);
  if (family === 2) {
    if (!expected.success) flaws.push(`status ${status} for a request that has to be refused`);
    if (expected.strict && status !== 204) flaws.push(`status ${status} instead of 204`);
    for (const kind of writtenKinds)
      if (written[kind] !== expected[kind]) flaws.push(`${written[kind]} ${kind} written instead of ${expected[kind]}`);
  } else if (family === 4) {
    if (expected.status === undefined && status !== 400) flaws.push(`status ${status} instead of 400`);
    for (const kind of writtenKinds)
      if (written[kind] > expected[kind])
        flaws.push(`${written[kind]} ${kind} written, at most ${expected[kind]} can be`);
  } else {
    // Nothing in the suite is to be sent again.
    flaws.push(`status ${status}`);
  }
  return flaws;
}

/** Whether a request that should have been stored was refused, which the receiver tests let pass. */
export const isRefusedAfterAll = (expected: Expectation, { status }: CaseAnswer): boolean =>
  expected.success && status >= 400;
