import { messageOf, MiB, type Clock } from '@gauntlet/base';
import type { Rejection } from '@gauntlet/remote-write';
import type { Endpoint } from '@gauntlet/ring';
import { backoffMs } from './backoff.js';
import type { RouterObserver } from './observer.js';
import { grpcCodes } from './errors.js';
import { statusOfError, type PeerConnection } from './peer-transport.js';

/** Calls that may wait for a worker. What comes on top fails at once, and the quorum decides without this peer. */
export const queuedCallsMax = 1000;
export const queuedBytesMax = 64 * MiB;
/** Of the calls that workers have in hand; longer messages go one at a time. A request of a megabyte may become messages of a hundred. */
export const activeBytesMax = 64 * MiB;

/** One message for one peer. */
export interface ForwardCall {
  readonly endpoint: Endpoint;
  /** From 0. */
  readonly replica: number;
  readonly message: Buffer;
  /** Unix milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Called once, possibly before `submit` returns. */
  readonly done: (result: CallResult) => void;
}

export type CallResult =
  | {
      readonly kind: 'stored';
      /** What the peer refused of it. */
      readonly rejections: readonly Rejection[];
    }
  | { readonly kind: 'conflict' | 'outage'; readonly reason: string };

export interface PeerSettings {
  /** Calls at a time. */
  readonly workers: number;
  readonly compressed: boolean;
  readonly backoffMsMax: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: RouterObserver;
}

/**
 * Hands messages to one peer: some at a time, the rest from a bounded queue, none while the peer backs off.
 * Submitting never waits, so a slow peer delays nobody else.
 */
export class Peer {
  readonly address: string;
  readonly #connection: PeerConnection;
  readonly #settings: PeerSettings;
  readonly #queue: { readonly call: ForwardCall; readonly sinceMs: number }[] = [];
  #queuedBytes = 0;
  #active = 0;
  #activeBytes = 0;
  #onIdle: (() => void) | undefined;
  /** Consecutive times that it was found unavailable, and until when it is left alone. */
  #backoff: { attempt: number; untilMs: number } | undefined;

  constructor(address: string, connection: PeerConnection, settings: PeerSettings) {
    this.address = address;
    this.#connection = connection;
    this.#settings = settings;
  }

  submit(call: ForwardCall): void {
    if (this.#backsOff()) return call.done(skipped(call));
    // One call beyond the bound is still taken when nothing waits: it could never be made otherwise.
    const isTooLong = this.#queue.length > 0 && this.#queuedBytes + call.message.length > queuedBytesMax;
    if (this.#queue.length >= queuedCallsMax || isTooLong) {
      return this.#fail(call, `scheduling forward request for endpoint ${describe(call)}: queue is full`);
    }
    this.#queue.push({ call, sinceMs: this.#settings.clock.monotonicMs() });
    this.#queuedBytes += call.message.length;
    this.#dispatch();
  }

  /** Forgets that the peer was unavailable. */
  clearBackoff(): void {
    this.#backoff = undefined;
  }

  /** Closes the connection once no call needs it; calls end by their own deadlines. */
  closeWhenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#connection.close();
        resolve();
      };
      if (this.#active === 0) this.#onIdle();
    });
  }

  #dispatch(): void {
    while (this.#active < this.#settings.workers) {
      const next = this.#queue[0];
      if (!next) return;
      const bytes = next.call.message.length;
      if (this.#active > 0 && this.#activeBytes + bytes > activeBytesMax) return;
      this.#queue.shift();
      this.#queuedBytes -= bytes;
      this.#active += 1;
      this.#activeBytes += bytes;
      this.#settings.observer.forwardDelayed(this.address, (this.#settings.clock.monotonicMs() - next.sinceMs) / 1000);
      void this.#run(next.call);
    }
  }

  async #run(call: ForwardCall): Promise<void> {
    const { observer, compressed } = this.#settings;
    try {
      if (call.signal.aborted)
        return this.#fail(
          call,
          `scheduling forward request for endpoint ${describe(call)}: ${messageOf(call.signal.reason)}`,
        );
      if (this.#backsOff()) return call.done(skipped(call));
      const rejections = await this.#connection.remoteWrite(call.message, {
        compressed,
        deadlineMs: call.deadlineMs,
        signal: call.signal,
      });
      this.#backoff = undefined;
      // Refusals are neither a success nor an error, as ALREADY_EXISTS is neither (spec/receive.md 4.8).
      if (rejections.length === 0) {
        observer.forwarded('success');
        observer.replicated('success');
      }
      call.done({ kind: 'stored', rejections });
    } catch (error) {
      const { address, capnprotoAddress, zone } = call.endpoint;
      const reason = `forwarding request to endpoint addr: ${address}, capnp_addr: ${capnprotoAddress}, az: ${zone}: ${messageOf(error)}`;
      const code = statusOfError(error);
      if (code === grpcCodes.alreadyExists) return call.done({ kind: 'conflict', reason });
      if (code === grpcCodes.unavailable) this.#backOff();
      this.#fail(call, reason);
    } finally {
      this.#active -= 1;
      this.#activeBytes -= call.message.length;
      this.#dispatch();
      if (this.#active === 0) this.#onIdle?.();
    }
  }

  #fail(call: ForwardCall, reason: string): void {
    this.#settings.observer.forwarded('error');
    this.#settings.observer.replicated('error');
    call.done({ kind: 'outage', reason });
  }

  #backsOff(): boolean {
    return this.#backoff !== undefined && this.#settings.clock.monotonicMs() < this.#backoff.untilMs;
  }

  #backOff(): void {
    // Calls that were under way together fail together; that is one outage and not five.
    if (this.#backsOff()) return;
    const { clock, random, backoffMsMax } = this.#settings;
    const attempt = this.#backoff ? this.#backoff.attempt + 1 : 0;
    const pauseMs = backoffMs({ attempt, backoffMsMax, random: random() });
    const backoff = { attempt, untilMs: clock.monotonicMs() + pauseMs };
    this.#backoff = backoff;
    // A peer that has been restarted is called at once: the next one may be going down by then. If it turns calls down, pauses go on growing.
    void this.#connection.reconnected(clock.nowMs() + pauseMs).then((isBack) => {
      if (isBack) backoff.untilMs = 0;
    });
  }
}

function skipped(call: ForwardCall): CallResult {
  return { kind: 'outage', reason: `backing off forward request for endpoint ${describe(call)}: target not available` };
}

function describe({ endpoint, replica }: ForwardCall): string {
  return `{{${endpoint.address} ${endpoint.capnprotoAddress} ${endpoint.zone}} ${replica}}`;
}
