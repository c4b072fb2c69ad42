import { encodeWriteRequest } from '@gauntlet/remote-write';
import { compress } from 'snappy';
import { hashOf, randomOf } from '../crash/random.js';
import {
  flawsOf,
  isRefusedAfterAll,
  writtenKinds,
  type CaseAnswer,
  type CaseSeries,
  type ComplianceCase,
} from './compliance-case.js';
import { encodeWriteV2 } from './write-v2.js';

export interface CaseResult {
  readonly name: string;
  readonly status: number;
  readonly text: string;
  /** Empty when the receiver tests pass the answer. */
  readonly flaws: readonly string[];
  readonly refusedAfterAll: boolean;
}

/** Sends every case to a remote write URL, one after the other, in their order: later ones write to series of earlier ones. */
export async function runCompliance(
  url: string,
  cases: readonly ComplianceCase[],
  headers: Readonly<Record<string, string>> = {},
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  let lastMs = 0;
  for (const one of cases) {
    // The originals wait this long between two requests; a clock of their own serves as well.
    lastMs = Math.max(Date.now(), lastMs + stepMs);
    const answer = await send(url, one, lastMs, headers);
    results.push({
      name: one.name,
      status: answer.status,
      text: answer.text.trim(),
      flaws: flawsOf(one.expected, answer),
      refusedAfterAll: isRefusedAfterAll(one.expected, answer),
    });
  }
  return results;
}

/** One line per case that the receiver tests would not pass. */
export const failuresOf = (results: readonly CaseResult[]): string[] =>
  results
    .filter(({ flaws }) => flaws.length > 0)
    .map(({ name, flaws, text }) => `${name}: ${flaws.join(', ')}${text === '' ? '' : ` (${text.slice(0, 200)})`}`);

/** Cases that should have been stored and were refused with a 400, which passes. */
export const refusalsOf = (results: readonly CaseResult[]): string[] =>
  results.filter(({ refusedAfterAll }) => refusedAfterAll).map(({ name }) => name);

const stepMs = 10;

async function send(
  url: string,
  one: ComplianceCase,
  nowMs: number,
  more: Readonly<Record<string, string>>,
): Promise<CaseAnswer> {
  const body = Buffer.from(await compress(one.protocol === 2 ? encodeV2(one, nowMs) : encodeV1(one, nowMs)));
  if (one.firstByte !== undefined) body[0] = one.firstByte;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Encoding': 'snappy',
      ...(one.protocol === 2
        ? {
            'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
            'X-Prometheus-Remote-Write-Version': '2.0.0',
          }
        : { 'Content-Type': 'application/x-protobuf' }), // Without a version: 1.0 began without that header.
      ...one.headers,
      ...more,
    },
    body: new Uint8Array(body),
  });
  const written = Object.fromEntries(
    writtenKinds.map((kind) => [kind, wholeNumber(response.headers.get(`X-Prometheus-Remote-Write-${kind}-Written`))]),
  ) as CaseAnswer['written'];
  return { status: response.status, text: await response.text(), written };
}

const wholeNumber = (text: string | null): number =>
  text === null || text === '' ? 0 : /^[+-]?\d+$/.test(text) ? Number(text) : NaN;

function encodeV2({ name, series }: ComplianceCase, nowMs: number): Buffer {
  return encodeWriteV2(
    series.map((one) => ({
      labels: shuffled(one.labels, name),
      ...(one.value === undefined ? {} : { samples: [{ timestampMs: timeOf(one, nowMs), value: one.value }] }),
      ...(one.histogram === undefined ? {} : { histograms: [{ ...one.histogram, timestampMs: timeOf(one, nowMs) }] }),
      exemplars: (one.exemplars ?? []).map(({ labels, value, offsetMs = 0 }) => ({
        labels: shuffled(labels, name),
        value,
        timestampMs: nowMs + offsetMs,
      })),
      ...(one.metadata === undefined ? {} : { metadata: one.metadata }),
      ...(one.createdOffsetMs === undefined ? {} : { createdMs: nowMs + one.createdOffsetMs }),
    })),
  );
}

function encodeV1({ name, series }: ComplianceCase, nowMs: number): Buffer {
  return encodeWriteRequest({
    timeseries: series.map((one) => ({
      labels: shuffled(one.labels, name),
      samples: [{ timestampMs: timeOf(one, nowMs), value: Number(one.value) }],
    })),
  });
}

const timeOf = ({ offsetMs = 0 }: CaseSeries, nowMs: number): number => nowMs + offsetMs;

/** The originals send labels in whatever order Go's maps give: in any order, that is, but here in the same each time. */
function shuffled(labels: Readonly<Record<string, string>>, seed: string): [string, string][] {
  const random = randomOf(hashOf(seed));
  return Object.entries(labels)
    .map((label) => ({ label, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ label }) => label);
}
