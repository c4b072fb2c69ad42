import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { KiB } from '@gauntlet/base';
import { randomOf, type Random } from '../crash/random.js';

/**
 * What the proxy does to the bytes on their way, in either direction unless it says so.
 *
 * - `delay`: every piece comes later, by `delayMs` and up to `jitterMs` more; the order stays.
 * - `loss`: that share of the pieces is lost and sent again as TCP does it: later by `retransmitMs`, twice that if lost again, and so on.
 *   What follows waits behind it.
 * - `silence`: connections are taken and stay open, and nothing passes, not even their end. `answers` lets requests through and
 *   holds back the answers. What was held back arrives when the fault is over.
 * - `reset`: each connection, the old and the new, is broken off after at most `bytesMax` more bytes, in the midst of whatever they are.
 * - `slow-reads`: bytes of the client are taken no faster than `bytesPerSecond`, until its buffers are full.
 * - `narrow`: no direction carries more than `bytesPerSecond`.
 * - `refuse`: nobody listens, and what was open is broken off.
 */
export type ChaosFault =
  | { readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly kind: 'loss'; readonly share: number; readonly retransmitMs: number }
  | { readonly kind: 'silence'; readonly of: 'all' | 'answers' }
  | { readonly kind: 'reset'; readonly bytesMax: number }
  | { readonly kind: 'slow-reads'; readonly bytesPerSecond: number }
  | { readonly kind: 'narrow'; readonly bytesPerSecond: number }
  | { readonly kind: 'refuse' };

type Direction = 'to-server' | 'to-client';

/** A TCP proxy before a real server, whose fault can be changed at any time; whole at first. The same seed gives the same chances. */
export class ChaosProxy {
  readonly #target: { host: string; port: number };
  readonly #random: Random;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port = 0;
  #state: FaultState = { fault: undefined, changed: new AbortController() };
  #connections = 0;
  #resets = 0;

  private constructor(target: string, seed: number) {
    const [host, port] = target.split(':');
    this.#target = { host: host ?? '127.0.0.1', port: Number(port) };
    this.#random = randomOf(seed);
  }

  static async start({ target, seed }: { readonly target: string; readonly seed: number }): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target, seed);
    await proxy.#listen();
    return proxy;
  }

  /** Where clients connect. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get fault(): ChaosFault | undefined {
    return this.#state.fault;
  }

  /** How many connections it has taken, how many of them it has broken off, and how many are open. */
  get tally(): { readonly connections: number; readonly resets: number; readonly open: number } {
    return { connections: this.#connections, resets: this.#resets, open: this.#pairs.size };
  }

  /** From now on this and nothing else. */
  async set(fault: ChaosFault | undefined): Promise<void> {
    const { changed } = this.#state;
    this.#state = { fault, changed: new AbortController() };
    for (const pair of this.#pairs) pair.arm(this.#resetAfter());
    changed.abort();
    if (fault?.kind === 'refuse') {
      this.#closeListener();
      for (const pair of this.#pairs) pair.reset();
    } else await this.#listen();
  }

  heal(): Promise<void> {
    return this.set(undefined);
  }

  async stop(): Promise<void> {
    const { changed } = this.#state;
    this.#state = { fault: undefined, changed: new AbortController() };
    changed.abort();
    this.#closeListener();
    for (const pair of this.#pairs) pair.reset();
    while (this.#pairs.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async #listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  #closeListener(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #take(client: Socket): void {
    this.#connections += 1;
    const server = createConnection({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const pair = new Pair(client, server, {
      state: () => this.#state,
      random: this.#random,
      onReset: () => (this.#resets += 1),
      onClose: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
    pair.arm(this.#resetAfter());
  }

  #resetAfter(): number {
    const { fault } = this.#state;
    return fault?.kind === 'reset' ? this.#random.whole(0, fault.bytesMax + 1) : Infinity;
  }
}

interface FaultState {
  readonly fault: ChaosFault | undefined;
  /** Aborted when another one takes its place: whoever waits for this one looks again. */
  readonly changed: AbortController;
}

interface PairContext {
  readonly state: () => FaultState;
  readonly random: Random;
  readonly onReset: () => void;
  readonly onClose: () => void;
}

/** A connection of a client with the one to the server that stands for it. */
class Pair {
  readonly #sockets: readonly [Socket, Socket];
  readonly #context: PairContext;
  #bytesLeft = Infinity;
  #isBroken = false;

  constructor(client: Socket, server: Socket, context: PairContext) {
    this.#sockets = [client, server];
    this.#context = context;
    let open = 2;
    for (const socket of this.#sockets) {
      // A server that is not there, or either of them that breaks off: the other one sees the same.
      socket.on('error', () => this.#break());
      socket.on('close', () => (--open === 0 ? context.onClose() : undefined));
    }
    const spend = (bytes: number): number => this.#spend(bytes);
    for (const [from, to, direction] of [
      [client, server, 'to-server'],
      [server, client, 'to-client'],
    ] as const)
      pump({ from, to, direction, context, spend }).catch(() => this.#break());
  }

  /** Breaks off after so many more bytes. */
  arm(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  reset(): void {
    if (this.#isBroken) return;
    this.#context.onReset();
    this.#break();
  }

  /** How many of these bytes may still pass; with the last of them the connection is over. */
  #spend(bytes: number): number {
    const allowed = Math.min(bytes, this.#bytesLeft);
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) setImmediate(() => this.reset());
    return allowed;
  }

  #break(): void {
    this.#isBroken = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

interface PumpPlan {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: Direction;
  readonly context: PairContext;
  readonly spend: (bytes: number) => number;
}

interface Piece {
  readonly bytes: Buffer;
  dueMs: number;
}

/** Bytes under way in one direction; beyond them the sender waits. A slow reader keeps less, so that its client notices sooner. */
const queuedBytesMax = 1024 * KiB;
const queuedBytesMaxSlow = 4 * KiB;
/** A piece that was lost so often gets through. */
const lossesMax = 5;
/** A limited rate goes out in so many steps a second. */
const stepsPerSecond = 50;

/** Carries bytes one way until they end. Rejects when either side is broken. */
async function pump({ from, to, direction, context, spend }: PumpPlan): Promise<void> {
  const queue: Piece[] = [];
  let queuedBytes = 0;
  let ended = false;
  let wake = (): void => undefined;
  const roomMax = (): number => (rateOf(context.state().fault, direction) ? queuedBytesMaxSlow : queuedBytesMax);
  from.on('data', (bytes: Buffer) => {
    const lastDueMs = queue.at(-1)?.dueMs ?? 0;
    queue.push({ bytes, dueMs: Math.max(lastDueMs, performance.now() + latenessOf(context)) });
    queuedBytes += bytes.length;
    if (queuedBytes >= roomMax()) from.pause();
    wake();
  });
  from.on('end', () => {
    ended = true;
    wake();
  });
  const closed = new AbortController();
  for (const socket of [from, to])
    socket.once('close', () => {
      closed.abort();
      wake();
    });
  const isOpen = (): boolean => !closed.signal.aborted;

  while (isOpen()) {
    const { fault, changed } = context.state();
    const signal = AbortSignal.any([changed.signal, closed.signal]);
    if (isSilent(fault, direction)) {
      await until(signal);
      continue;
    }
    const piece = queue[0];
    if (piece === undefined) {
      if (ended) return void to.end();
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const waitMs = piece.dueMs - performance.now();
    // A delay outlives its fault only for what it has caught.
    if (waitMs > 0) {
      await pause(waitMs, signal);
      continue;
    }
    queue.shift();
    queuedBytes -= piece.bytes.length;
    const rate = rateOf(fault, direction);
    const step = rate ? Math.max(1, Math.ceil(rate / stepsPerSecond)) : piece.bytes.length;
    const now = piece.bytes.subarray(0, step);
    if (now.length < piece.bytes.length) {
      queue.unshift({ bytes: piece.bytes.subarray(step), dueMs: piece.dueMs });
      queuedBytes += piece.bytes.length - step;
    }
    const allowed = spend(now.length);
    if (allowed > 0 && !to.write(now.subarray(0, allowed))) await once(to, 'drain', { signal: closed.signal });
    if (allowed < now.length) return;
    if (queuedBytes < roomMax()) from.resume();
    if (rate) await pause((now.length / rate) * 1000, signal);
  }
}

function isSilent(fault: ChaosFault | undefined, direction: Direction): boolean {
  return fault?.kind === 'silence' && (fault.of === 'all' || direction === 'to-client');
}

function rateOf(fault: ChaosFault | undefined, direction: Direction): number | undefined {
  if (fault?.kind === 'narrow') return fault.bytesPerSecond;
  return fault?.kind === 'slow-reads' && direction === 'to-server' ? fault.bytesPerSecond : undefined;
}

function latenessOf({ state, random }: PairContext): number {
  const { fault } = state();
  if (fault?.kind === 'delay') return fault.delayMs + random.fraction() * fault.jitterMs;
  if (fault?.kind !== 'loss') return 0;
  let lateMs = 0;
  for (let times = 0; times < lossesMax && random.chance(fault.share); times++)
    lateMs += fault.retransmitMs * 2 ** times;
  return lateMs;
}

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), ms);
  await until(AbortSignal.any([signal, over.signal]));
  clearTimeout(timer);
}
