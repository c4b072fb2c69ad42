import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { compress } from 'snappy';
import { randomOf, type Random } from '../crash/random.js';
import { batchSeries, type NumberedBatch } from './numbered-samples.js';

export interface TrafficPlan {
  /** Remote write URLs that take turns. */
  readonly urls: readonly string[];
  readonly senders: number;
  readonly seriesPerSender: number;
  /** Of each sender; one that is behind does not catch up. */
  readonly batchesPerSecond: number;
  /**
   * `as-prometheus`: the same batch again after 5xx, 429 and lost connections, later each time or when `Retry-After` says; never after
   * another 4xx. `never`: each batch once.
   */
  readonly retries: 'as-prometheus' | 'never';
  readonly seed: number;
}

/** One sending of a batch, as the client sees it. */
export interface Attempt {
  readonly startMs: number;
  readonly endMs: number;
  /** `lost` when the connection broke after it was made, or nothing came in time. */
  readonly result: number | 'lost';
  readonly text: string;
}

export interface BatchRecord extends NumberedBatch {
  readonly attempts: readonly Attempt[];
  /** `stored` after a 2xx, `refused` after what is not sent again, `given-up` when traffic stopped or sends nothing twice. */
  readonly outcome: 'stored' | 'refused' | 'given-up';
}

/** Senders of numbered samples, each over connections of its own, that keep every answer. */
export class NumberedTraffic {
  readonly records: BatchRecord[] = [];
  /** How often a router was not listening and another one was asked at once, as a load balancer does. */
  refusedConnections = 0;
  readonly #plan: TrafficPlan;
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(plan: TrafficPlan) {
    this.#plan = plan;
    this.#running = Promise.all(Array.from({ length: plan.senders }, (_, sender) => this.#send(sender)));
  }

  get seriesPerSender(): number {
    return this.#plan.seriesPerSender;
  }

  /** Ends when all that is under way is answered; what would be sent again is given up. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** The records of batches first sent within this time. */
  between(fromMs: number, toMs = Infinity): BatchRecord[] {
    return this.records.filter(({ attempts: [first] }) => first && first.startMs >= fromMs && first.startMs <= toMs);
  }

  async #send(sender: number): Promise<void> {
    const { urls, batchesPerSecond, seriesPerSender, seed } = this.#plan;
    const client = new RoundRobinClient(urls, sender, () => (this.refusedConnections += 1));
    const random = randomOf(seed + sender);
    const everyMs = 1000 / batchesPerSecond;
    try {
      // Not all at once.
      await this.#pause(random.fraction() * everyMs);
      for (let number = 0, timestampMs = 0; !this.#stopping.signal.aborted; number++) {
        const startMs = performance.now();
        timestampMs = Math.max(timestampMs + 1, Date.now());
        const batch = { sender, number, timestampMs };
        const body = await compress(encodeWriteRequest({ timeseries: batchSeries(batch, seriesPerSender) }));
        this.records.push({ ...batch, ...(await this.#untilSettled(client, body, random)) });
        await this.#pause(everyMs - (performance.now() - startMs));
      }
    } finally {
      client.close();
    }
  }

  async #untilSettled(
    client: RoundRobinClient,
    body: Buffer,
    random: Random,
  ): Promise<Pick<BatchRecord, 'attempts' | 'outcome'>> {
    const attempts: Attempt[] = [];
    for (let backoffMs = backoffMsMin; ; backoffMs = Math.min(2 * backoffMs, backoffMsMax)) {
      const startMs = Date.now();
      const { result, text, retryAfterMs } = await client.post(body);
      attempts.push({ startMs, endMs: Date.now(), result, text });
      if (result !== 'lost' && result < 300) return { attempts, outcome: 'stored' };
      if (result !== 'lost' && result < 500 && result !== 429) return { attempts, outcome: 'refused' };
      if (this.#plan.retries === 'never') return { attempts, outcome: 'given-up' };
      await this.#pause(retryAfterMs ?? backoffMs * (0.9 + random.fraction() / 5));
      if (this.#stopping.signal.aborted) return { attempts, outcome: 'given-up' };
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

const backoffMsMin = 30;
const backoffMsMax = 5000;
const answerMsMax = 30_000;

interface Answered {
  readonly result: number | 'lost';
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** Asks each server in turn; one that does not listen is passed over at once. */
class RoundRobinClient {
  readonly #urls: readonly string[];
  readonly #onRefused: () => void;
  readonly #agent = new http.Agent({ keepAlive: true });
  #turn: number;

  constructor(urls: readonly string[], first: number, onRefused: () => void) {
    this.#urls = urls;
    this.#turn = first;
    this.#onRefused = onRefused;
  }

  async post(body: Buffer): Promise<Answered> {
    for (let tries = 0; tries < this.#urls.length; tries++) {
      const url = this.#urls[this.#turn++ % this.#urls.length] as string;
      const answer = await this.#postTo(url, body);
      if (answer !== 'refused') return answer;
      this.#onRefused();
    }
    return { result: 'lost', text: 'no server listens' };
  }

  close(): void {
    this.#agent.destroy();
  }

  #postTo(url: string, body: Buffer): Promise<Answered | 'refused'> {
    return new Promise((resolve) => {
      const request = http.request(url, {
        method: 'POST',
        agent: this.#agent,
        timeout: answerMsMax,
        headers: {
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
          'Content-Length': body.length,
          'X-Prometheus-Remote-Write-Version': '0.1.0',
        },
      });
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') return resolve('refused');
        resolve({
          result: 'lost',
          text: `${error.message}${request.reusedSocket ? ' on a connection used before' : ''}`,
        });
      });
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('error', () => resolve({ result: 'lost', text: 'the answer broke off' }));
        response.on('end', () => {
          const seconds = Number(response.headers['retry-after'] ?? NaN);
          resolve({
            result: response.statusCode ?? 0,
            text: text.trim(),
            ...(Number.isNaN(seconds) ? {} : { retryAfterMs: seconds * 1000 }),
          });
        });
      });
      request.end(body);
    });
  }
}
