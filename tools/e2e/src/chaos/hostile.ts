import { setMaxListeners } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { GiB, KiB, MiB } from '@gauntlet/base';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { compressSync } from 'snappy';
import { randomOf, type Random } from '../crash/random.js';

/** What a connection does, until it is broken off or told to leave. */
type Manner = (socket: Socket, random: Random, signal: AbortSignal) => Promise<void>;

export type HostileKind = keyof typeof manners;

export interface HostilePlan {
  /** A remote write URL. */
  readonly url: string;
  /** How many connections of each kind there are at any time. */
  readonly connections: Readonly<Partial<Record<HostileKind, number>>>;
  readonly seed: number;
}

/** Clients that mean no good. Each comes again soon after its connection has ended. */
export class HostileClients {
  /** How often each kind was answered with which status. */
  readonly answers = new Map<HostileKind, Map<number, number>>();
  #open = 0;
  #openMax = 0;
  readonly #leaving = new AbortController();
  readonly #running: Promise<unknown>;

  constructor({ url, connections, seed }: HostilePlan) {
    const { hostname, port } = new URL(url);
    setMaxListeners(Infinity, this.#leaving.signal);
    const random = randomOf(seed);
    const clients = Object.entries(connections).flatMap(([kind, count]) =>
      Array.from({ length: count }, () =>
        this.#come({ kind: kind as HostileKind, host: hostname, port: Number(port), seed: random.whole(0, 2 ** 31) }),
      ),
    );
    this.#running = Promise.all(clients);
  }

  get open(): number {
    return this.#open;
  }

  /** How many connections there were at once at most. */
  get openMax(): number {
    return this.#openMax;
  }

  /** What each kind was answered with, in order. */
  statusesOf(kind: HostileKind): number[] {
    return [...(this.answers.get(kind)?.keys() ?? [])].sort((a, b) => a - b);
  }

  get kinds(): HostileKind[] {
    return [...this.answers.keys()];
  }

  /** How often which kind was answered with what, in words. */
  describe(): string {
    return [...this.answers]
      .map(([kind, counts]) => `${kind}: ${[...counts].map(([status, count]) => `${status} x ${count}`).join(', ')}`)
      .join('; ');
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#running;
  }

  async #come(plan: { kind: HostileKind; host: string; port: number; seed: number }): Promise<void> {
    const { kind, host, port } = plan;
    const random = randomOf(plan.seed);
    const leaving = this.#leaving.signal;
    // Not all in one moment: the queue of connections that wait to be taken is short.
    await pause(random.fraction() * spreadMs, leaving);
    while (!leaving.aborted) {
      const socket = createConnection({ host, port, noDelay: true });
      const over = new AbortController();
      const signal = AbortSignal.any([leaving, over.signal]);
      let isOpen = false;
      socket.once('connect', () => {
        isOpen = true;
        this.#openMax = Math.max(this.#openMax, ++this.#open);
      });
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) =>
        socket.once('close', () => {
          over.abort();
          resolve();
        }),
      );
      // Those that do not read hear of the end only when they write.
      if (kind !== 'deaf') socket.on('data', (bytes) => this.#note(kind, bytes));
      await manners[kind](socket, random, signal);
      if (leaving.aborted) socket.destroy();
      await closed;
      if (isOpen) this.#open -= 1;
      await pause(random.whole(50, 300), leaving);
    }
  }

  #note(kind: HostileKind, bytes: Buffer): void {
    const counts = this.answers.get(kind) ?? new Map<number, number>();
    this.answers.set(kind, counts);
    for (const [, status] of bytes.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g))
      counts.set(Number(status), (counts.get(Number(status)) ?? 0) + 1);
  }
}

const spreadMs = 1000;

const head = (lines: readonly string[] = []): string =>
  [
    'POST /api/v1/receive HTTP/1.1',
    'Host: router',
    'Content-Type: application/x-protobuf',
    'Content-Encoding: snappy',
    'X-Prometheus-Remote-Write-Version: 0.1.0',
    ...lines,
    '',
    '',
  ].join('\r\n');

/** Sends a whole request, and another one when the answer has had time to come. */
const again =
  (body: () => Buffer): Manner =>
  async (socket, random, signal) => {
    while (!signal.aborted) {
      const bytes = body();
      socket.write(head([`Content-Length: ${bytes.length}`]));
      socket.write(bytes);
      await pause(random.whole(1000, 3000), signal);
    }
  };

const manners = {
  /** Says nothing at all. */
  mute: async (_socket, _random, signal) => pause(neverMs, signal),
  /** Sends headers, a byte at a time, that never end. */
  slowHeaders: async (socket, random, signal) => {
    socket.write('POST /api/v1/receive HTTP/1.1\r\nHost: router\r\n');
    while (!signal.aborted) {
      socket.write('X');
      await pause(random.whole(100, 1000), signal);
    }
  },
  /** Declares a body that would be taken, and sends a byte of it now and then. */
  slowBody: async (socket, random, signal) => {
    socket.write(head([`Content-Length: ${random.whole(KiB, 30 * MiB)}`]));
    while (!signal.aborted) {
      socket.write('x');
      await pause(random.whole(100, 1000), signal);
    }
  },
  /** Declares more than anybody takes. */
  hugeLength: async (socket, random, signal) => {
    socket.write(head([`Content-Length: ${random.logarithmic(GiB, 2 ** 53)}`]));
    socket.write('x'.repeat(1000));
    await pause(neverMs, signal);
  },
  /** Never ends its body. */
  endless: async (socket, _random, signal) => {
    const chunk = Buffer.concat([Buffer.from('20000\r\n'), Buffer.alloc(128 * KiB, 0x41), Buffer.from('\r\n')]);
    socket.write(head(['Transfer-Encoding: chunked']));
    while (!signal.aborted) {
      if (socket.writableLength < chunk.length) socket.write(chunk);
      await pause(100, signal);
    }
  },
  /** Small blocks that say they hold gigabytes. */
  declaredBomb: again(() => Buffer.concat([varint(3.9 * GiB), Buffer.alloc(64 * KiB, 0xfe)])),
  /** Blocks that do hold as much as they say, twenty times what they are. */
  trueBomb: again(() => (trueBomb ??= bombOf(200 * MiB))),
  /** Blocks that hold far more than they say. */
  lyingBomb: again(() => (lyingBomb ??= Buffer.concat([varint(100), bombOf(20 * MiB).subarray(5)]))),
  /** One series with 10,000 labels. */
  manyLabels: again(() => (manyLabels ??= labelsBody(10_000))),
  /** Bytes by chance where a request should be. */
  garbage: async (socket, random, signal) => {
    while (!signal.aborted) {
      socket.write(rubbishOf(random, random.whole(1, 2000)));
      await pause(500, signal);
    }
  },
  /** Bytes by chance where a body should be. */
  garbageBody: async (socket, random, signal) => again(() => rubbishOf(random, 1000))(socket, random, signal),
  /** Sends one request after another and reads no answer. */
  deaf: async (socket, _random, signal) => {
    const request = head(['Content-Length: 3']) + 'abc';
    while (!signal.aborted) {
      if (socket.writableLength < 64 * KiB) socket.write(request.repeat(20));
      await pause(200, signal);
    }
  },
} as const satisfies Record<string, Manner>;

/** Of those that send much, few: a client cannot be kept from filling the wire, and this is not about the wire. */
const busyConnections: Readonly<Partial<Record<HostileKind, number>>> = {
  endless: 10,
  declaredBomb: 30,
  trueBomb: 5,
  lyingBomb: 10,
  manyLabels: 20,
  garbageBody: 50,
  deaf: 5,
};

/** Connections of every kind, so many together. */
export function mixedConnections(total: number): Record<HostileKind, number> {
  const kinds = Object.keys(manners) as HostileKind[];
  const idle = kinds.filter((kind) => busyConnections[kind] === undefined);
  const rest = total - Object.values(busyConnections).reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(
    kinds.map((kind) => [kind, busyConnections[kind] ?? Math.floor((rest + idle.indexOf(kind)) / idle.length)]),
  ) as Record<HostileKind, number>;
}

const rubbish = Buffer.from(randomOf(1).bytes(64 * KiB));
function rubbishOf(random: Random, length: number): Buffer {
  const at = random.whole(0, rubbish.length - length);
  return rubbish.subarray(at, at + length);
}

let trueBomb: Buffer | undefined;
let lyingBomb: Buffer | undefined;
let manyLabels: Buffer | undefined;

/** A snappy block of so many equal bytes: a literal of one byte, and copies of 64 bytes from one byte before. */
function bombOf(bytes: number): Buffer {
  const copies = Math.floor((bytes - 1) / 64);
  const block = Buffer.alloc(copies * 3, Buffer.from([(63 << 2) | 2, 1, 0]));
  return Buffer.concat([varint(copies * 64 + 1), Buffer.from([0, 0x0a]), block]);
}

function labelsBody(count: number): Buffer {
  const labels = Array.from({ length: count }, (_, at) => [`label_${String(at).padStart(5, '0')}`, `v${at}`] as const);
  const series = {
    labels: [['__name__', 'wide'] as const, ...labels],
    samples: [{ timestampMs: Date.now(), value: 1 }],
  };
  return compressSync(encodeWriteRequest({ timeseries: [series] }));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (value = Math.floor(value); value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

const neverMs = 2 ** 30;
/** Ends early, without complaint, when there is no more to wait for. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
