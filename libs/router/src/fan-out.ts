import { joinReasons, type Clock } from '@gauntlet/base';
import { isRetryable, isUntoldBefore2, type Rejection } from '@gauntlet/remote-write';
import type { Endpoint } from '@gauntlet/ring';
import type { ItemCounts } from '@gauntlet/write-http';
import { setMaxListeners } from 'node:events';
import type { CallResult, Peer } from './peer.js';
import { WriteTally, type CallAnswer, type Holdings, type RefusedPart, type RefusedSummary } from './write-tally.js';

/** One call of a fan-out. */
export interface FanOutCall {
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  readonly tenant: string;
  /** From 0. */
  readonly replica: number;
  readonly message: Buffer;
  /** The tuples whose series the message carries, one behind the other. */
  readonly tuples: readonly number[];
}

/** What a message tells of one of its series. */
export type SeriesOfMessage = Pick<RefusedPart, 'items' | 'labels'>;

export interface FanOutOptions {
  readonly calls: readonly FanOutCall[];
  /** By tuple, numbered from 0. */
  readonly holdings: readonly Holdings[];
  readonly replicationFactor: number;
  /** For all calls together. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether the client hears of exemplars whose series no peer knows. */
  readonly tellsLostExemplars: boolean;
  /**
   * Looks up series of a message, when a peer has refused something of them.
   * @param labelled how many of them, the first, are to come with their labels
   */
  readonly look: (message: Buffer, series: readonly number[], labelled: number) => readonly SeriesOfMessage[];
}

/** How a request ended. */
export interface FanOutOutcome {
  readonly verdict: 'stored' | 'conflict' | 'limited' | 'unavailable';
  /** What peers said that kept series from their quorum, distinct and sorted. */
  readonly reasons: string;
  /** What was refused by name, for which the reasons have no text. */
  readonly refused: RefusedSummary;
  readonly written: ItemCounts;
}

/**
 * A call that refuses more runs than this is judged as one that refused all it was sent: what is kept for each is bounded. If but one of them is worth a
 * retry, all of it is.
 */
const refusalsMax = 65_536;
/** Series of a request that are kept with their labels. */
const labelledMax = 100;

/**
 * Sends the calls of one request and waits until each sample is stored by its quorum or cannot be (spec/receive.md 4.4). What is not answered
 * in time counts as an outage. Calls that are still under way go on until the deadline, for the sake of the missing copies.
 */
export function fanOut(options: FanOutOptions): Promise<FanOutOutcome> {
  const { calls, holdings, replicationFactor, timeoutMs, clock } = options;
  const tally = new WriteTally(holdings, replicationFactor);
  const failures: { readonly call: FanOutCall; readonly reason: string }[] = [];
  const calling = new AbortController();
  setMaxListeners(0, calling.signal); // Each call listens: Node would take more than ten for a leak.
  const waiting = new AbortController();
  const deadlineMs = clock.nowMs() + timeoutMs;
  let answered = 0;
  let labelled = 0;

  const answerOf = (call: FanOutCall, result: CallResult): CallAnswer => {
    if (result.kind !== 'stored') {
      failures.push({ call, reason: result.reason });
      return { kind: result.kind };
    }
    const rejections = options.tellsLostExemplars
      ? result.rejections
      : result.rejections.filter(({ reason }) => !isUntoldBefore2(reason));
    if (rejections.length === 0) return storedWhole;
    const answer = refusalsOf(call, rejections, options, labelledMax - labelled);
    if (answer.kind === 'stored') {
      labelled += answer.refused.length;
    } else {
      const what = answer.kind === 'outage' ? 'series that it was not sent' : `${rejections.length} times`;
      failures.push({ call, reason: `${call.endpoint.address} refused ${what}` });
    }
    return answer;
  };
  const outcome = (timedOut: boolean): FanOutOutcome => {
    const merged = tally.verdict();
    const verdict = merged === 'pending' ? 'unavailable' : merged;
    const missing = tally.missing();
    const concerned = failures.filter(({ call }) => call.tuples.some((tuple) => missing.has(tuple)));
    const reasons = verdict === 'stored' ? [] : concerned.map(({ reason }) => reason);
    if (timedOut) reasons.push('context deadline exceeded');
    return {
      verdict,
      reasons: joinReasons(reasons),
      refused: verdict === 'stored' ? nothingRefused : tally.refused(),
      written: tally.written(),
    };
  };

  return new Promise((resolve) => {
    let settled = false;
    const settle = (timedOut: boolean): void => {
      if (settled) return;
      settled = true;
      waiting.abort(settledReason);
      if (timedOut) calling.abort(timeoutReason);
      resolve(outcome(timedOut));
    };
    const done = (call: FanOutCall, result: CallResult): void => {
      answered += 1;
      if (settled) return;
      tally.count(call.tuples, answerOf(call, result));
      if (answered === calls.length || tally.settled) settle(false);
    };
    clock.sleep(timeoutMs, waiting.signal).then(
      () => settle(true),
      () => undefined, // Settled before.
    );
    for (const call of calls) {
      call.peer.submit({ ...call, deadlineMs, signal: calling.signal, done: (result) => done(call, result) });
    }
    if (calls.length === 0) settle(false);
  });
}

const storedWhole: CallAnswer = { kind: 'stored', refused: [] };
const nothingRefused: RefusedSummary = { offenders: [], counts: {} };
/** Without one, an abort makes an exception of its own, with a stack trace, for each request. */
const settledReason = new Error('settled');
const timeoutReason = new Error('context deadline exceeded');

/** What a peer refused, by series of tuples instead of series of the message. */
function refusalsOf(
  call: FanOutCall,
  rejections: readonly Rejection[],
  { holdings, look }: FanOutOptions,
  labelsLeft: number,
): CallAnswer {
  const starts: number[] = [];
  let end = 0;
  for (const tuple of call.tuples) {
    starts.push(end);
    end += (holdings[tuple] as Holdings).series;
  }
  // A peer that speaks of series which it was not sent has not understood the message.
  if (rejections.some(({ series }) => series >= end)) return { kind: 'outage' };
  if (rejections.length > refusalsMax)
    return { kind: rejections.some(({ reason }) => isRetryable(reason)) ? 'limited' : 'conflict' };
  const refused = look(
    call.message,
    rejections.map(({ series }) => series),
    Math.max(0, labelsLeft),
  );
  return {
    kind: 'stored',
    refused: rejections.map((rejection, i) => {
      const n = placeOf(rejection.series, starts);
      return {
        ...(refused[i] as SeriesOfMessage),
        tuple: call.tuples[n] as number,
        position: rejection.series - (starts[n] as number),
        tenant: call.tenant,
        rejection,
      };
    }),
  };
}

/** Which of the ascending starts is the last that is not beyond. */
function placeOf(series: number, starts: readonly number[]): number {
  let place = 0;
  for (let end = starts.length; end - place > 1;) {
    const middle = (place + end) >> 1;
    if ((starts[middle] as number) <= series) place = middle;
    else end = middle;
  }
  return place;
}
