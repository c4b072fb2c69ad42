import { type Clock } from '@gauntlet/base';
import { judge, mergeVerdicts, quorumOf, type Endpoint, type Verdict } from '@gauntlet/ring';
import { ForwardTimeoutError, QuorumError } from './errors.js';
import type { CallResult, Peer } from './peer.js';

/** One call of a fan-out. */
export interface FanOutCall {
  readonly peer: Peer;
  readonly endpoint: Endpoint;
  /** From 0. */
  readonly replica: number;
  readonly message: Buffer;
  /** The tuples whose series the message carries. */
  readonly tuples: readonly number[];
}

export interface FanOutOptions {
  readonly calls: readonly FanOutCall[];
  /** Tuples are numbered from 0. */
  readonly tupleCount: number;
  readonly replicationFactor: number;
  /** For all calls together. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * Sends the calls of one request and waits until each series is stored by its quorum or cannot be (spec/receive.md 4.4).
 * After success the remaining calls go on, for the sake of the missing copies; after failure they are cancelled.
 * Rejects with QuorumError or ForwardTimeoutError.
 */
export function fanOut({ calls, tupleCount, replicationFactor, timeoutMs, clock }: FanOutOptions): Promise<void> {
  const tallies = new Tallies(tupleCount, replicationFactor);
  const failures: { readonly call: FanOutCall; readonly reason: string }[] = [];
  const calling = new AbortController();
  const waiting = new AbortController();
  const deadlineMs = clock.nowMs() + timeoutMs;
  let answered = 0;

  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (error?: QuorumError | ForwardTimeoutError): void => {
      if (settled) return;
      settled = true;
      waiting.abort(settledReason);
      if (!error) return resolve();
      calling.abort(error);
      reject(error);
    };
    const done = (call: FanOutCall, result: CallResult): void => {
      answered += 1;
      if (settled) return;
      if (result.kind !== 'stored') failures.push({ call, reason: result.reason });
      tallies.count(call.tuples, result.kind);
      if (!tallies.settled && answered < calls.length) return;
      const verdict = tallies.verdict();
      if (verdict === 'stored') return settle();
      const concerned = failures.filter((failure) =>
        failure.call.tuples.some((tuple) => tallies.verdictOf(tuple) !== 'stored'),
      );
      settle(
        new QuorumError(
          verdict === 'conflict' ? 'conflict' : 'unavailable',
          concerned.map(({ reason }) => reason),
        ),
      );
    };
    clock.sleep(timeoutMs, waiting.signal).then(
      () => settle(new ForwardTimeoutError()),
      () => undefined, // Settled before.
    );
    for (const call of calls) {
      call.peer.submit({ ...call, deadlineMs, signal: calling.signal, done: (result) => done(call, result) });
    }
  });
}

/** Without one, an abort makes an exception of its own, with a stack trace, for each request. */
const settledReason = new Error('settled');

/** The answers for each tuple. */
class Tallies {
  readonly #replicas: number;
  readonly #quorum: number;
  readonly #stored: Uint8Array;
  readonly #conflicts: Uint8Array;
  readonly #outages: Uint8Array;
  #pending: number;

  constructor(tupleCount: number, replicas: number) {
    this.#replicas = replicas;
    this.#quorum = quorumOf(replicas);
    this.#stored = new Uint8Array(tupleCount);
    this.#conflicts = new Uint8Array(tupleCount);
    this.#outages = new Uint8Array(tupleCount);
    this.#pending = tupleCount;
  }

  /** Whether no answer can change any verdict. */
  get settled(): boolean {
    return this.#pending === 0;
  }

  count(tuples: readonly number[], kind: CallResult['kind']): void {
    const column = kind === 'stored' ? this.#stored : kind === 'conflict' ? this.#conflicts : this.#outages;
    for (const tuple of tuples) {
      const wasPending = this.verdictOf(tuple) === 'pending';
      column[tuple] = (column[tuple] as number) + 1;
      if (wasPending && this.verdictOf(tuple) !== 'pending') this.#pending -= 1;
    }
  }

  verdictOf(tuple: number): Verdict {
    return judge({
      replicas: this.#replicas,
      quorum: this.#quorum,
      stored: this.#stored[tuple] as number,
      conflicts: this.#conflicts[tuple] as number,
      outages: this.#outages[tuple] as number,
    });
  }

  verdict(): Verdict {
    return mergeVerdicts(Array.from(this.#stored, (_, tuple) => this.verdictOf(tuple)));
  }
}
