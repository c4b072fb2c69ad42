import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LatencyHistogram } from './latency-histogram.js';
import { buildBody, patchBody, type PatchableBody } from './patchable-body.js';
import { type RemoteWriteVersion } from './body-layout.js';
import { isSuccess, judgeAnswer } from './judge-answer.js';
import { seriesLabels } from './series-labels.js';

/** What is sent: shared out over bodies before any clock starts. */
export interface LoadShape {
  readonly series: number;
  readonly labelsPerSeries: number;
  readonly seriesPerRequest: number;
  readonly samplesPerSeries: number;
  /** Default 1.0. */
  readonly version?: RemoteWriteVersion;
}

/** One body and when its last samples were taken, so that its next ones are newer. */
export interface LoadBody {
  readonly body: PatchableBody;
  readonly index: number;
  round: number;
  lastTimestampMs: number;
}

export interface LoadOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  /** Names of tenants; each body goes to one of them. Empty: no tenant header is sent. */
  readonly tenants: readonly string[];
  readonly bodies: readonly LoadBody[];
  /** Ends after this time, or after every body was sent so many times, whichever is given. */
  readonly until: { readonly durationMs: number } | { readonly rounds: number };
  readonly samplesPerSecondMax?: number;
  /** When the samples of a body's round were taken; default now. Must grow with the round. */
  readonly timestampMsOf?: (round: number) => number;
  /** Is told of every answer. */
  readonly onAnswer?: (answer: LoadAnswer) => void;
  readonly signal: AbortSignal;
}

/** One request and its answer, in Unix milliseconds. */
export interface LoadAnswer {
  /** When it should have been sent to keep the pace; later than this it was sent when all connections were busy. */
  readonly dueMs: number;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** The status, the code of an error of the connection, or `MISCOUNTED`. */
  readonly code: string;
}

export interface LoadResult {
  readonly elapsedMs: number;
  /** Samples of requests that were answered with success. */
  readonly samplesAccepted: number;
  readonly samplesSent: number;
  readonly bytesSent: number;
  readonly requests: number;
  /** How often each status code came; a connection that failed counts under its error code, and a success of 2.0 that tells of other samples than were sent as `MISCOUNTED`. */
  readonly statuses: ReadonlyMap<string, number>;
  /** The first answer that was no success, for each code. */
  readonly examples: ReadonlyMap<string, string>;
  readonly latency: LatencyHistogram;
}

export function prepareBodies(shape: LoadShape): LoadBody[] {
  const { series, labelsPerSeries, seriesPerRequest, samplesPerSeries, version = '1.0' } = shape;
  const bodies: LoadBody[] = [];
  for (let first = 0; first < series; first += seriesPerRequest) {
    const count = Math.min(seriesPerRequest, series - first);
    const labels = Array.from({ length: count }, (_, k) => seriesLabels(first + k, labelsPerSeries));
    bodies.push({
      body: buildBody({ firstSeries: first, labels, samplesPerSeries, version }),
      index: bodies.length,
      round: 0,
      lastTimestampMs: 0,
    });
  }
  return bodies;
}

/** A load that runs; `progress` may be read at any time. */
export class Load {
  readonly #options: LoadOptions;
  readonly #agent: Agent;
  readonly #idle: LoadBody[];
  readonly #latency = new LatencyHistogram();
  readonly #statuses = new Map<string, number>();
  readonly #examples = new Map<string, string>();
  #requests = 0;
  #samplesClaimed = 0;
  #samplesSent = 0;
  #samplesAccepted = 0;
  #bytesSent = 0;
  #startedAt = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
    this.#idle = [...options.bodies];
  }

  get progress(): { readonly samplesAccepted: number; readonly elapsedMs: number; readonly requests: number } {
    return {
      samplesAccepted: this.#samplesAccepted,
      elapsedMs: performance.now() - this.#startedAt,
      requests: this.#requests,
    };
  }

  async run(): Promise<LoadResult> {
    this.#startedAt = performance.now();
    // More connections than bodies would wait for one another: a body must be answered before its samples are replaced.
    const lanes = Math.min(this.#options.connections, this.#options.bodies.length);
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    const elapsedMs = performance.now() - this.#startedAt;
    this.#agent.destroy();
    return {
      elapsedMs,
      samplesAccepted: this.#samplesAccepted,
      samplesSent: this.#samplesSent,
      bytesSent: this.#bytesSent,
      requests: this.#requests,
      statuses: this.#statuses,
      examples: this.#examples,
      latency: this.#latency,
    };
  }

  async #lane(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const dueAt = await this.#keepPace(next.body.sampleCount);
      if (this.#isOver()) return;
      await this.#sendOnce(next, dueAt);
      if (!('rounds' in this.#options.until) || next.round < this.#options.until.rounds) this.#idle.push(next);
    }
  }

  #take(): LoadBody | undefined {
    return this.#isOver() ? undefined : this.#idle.shift();
  }

  #isOver(): boolean {
    const { until, signal } = this.#options;
    return signal.aborted || ('durationMs' in until && performance.now() - this.#startedAt >= until.durationMs);
  }

  /** Waits for the turn of so many samples, and resolves with when it came. It is claimed first: connections that wait together would send together. */
  async #keepPace(samples: number): Promise<number> {
    const { samplesPerSecondMax, signal } = this.#options;
    if (samplesPerSecondMax === undefined) return performance.now();
    const dueAt = this.#startedAt + (this.#samplesClaimed / samplesPerSecondMax) * 1000;
    this.#samplesClaimed += samples;
    const waitMs = dueAt - performance.now();
    if (waitMs > 1) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    return dueAt;
  }

  async #sendOnce(load: LoadBody, dueAt: number): Promise<void> {
    const { body } = load;
    const span = body.sampleCount / body.seriesCount;
    const timestampMs =
      this.#options.timestampMsOf?.(load.round) ?? Math.max(load.lastTimestampMs + 1, Date.now() - span + 1);
    patchBody(body, { timestampMs, round: load.round });
    load.lastTimestampMs = timestampMs + span - 1;
    load.round += 1;
    this.#samplesSent += body.sampleCount;
    this.#bytesSent += body.bytes.length;
    const startedAt = performance.now();
    const answer = await this.#post(load);
    if (answer === undefined) return; // Given up with the load itself: neither a success nor a failure.
    const answeredAt = performance.now();
    this.#latency.record(answeredAt - startedAt);
    this.#options.onAnswer?.({
      dueMs: performance.timeOrigin + Math.min(dueAt, startedAt),
      sentMs: performance.timeOrigin + startedAt,
      answeredMs: performance.timeOrigin + answeredAt,
      code: answer.code,
    });
    this.#requests += 1;
    this.#statuses.set(answer.code, (this.#statuses.get(answer.code) ?? 0) + 1);
    if (isSuccess(answer.code)) this.#samplesAccepted += body.sampleCount;
    else if (!this.#examples.has(answer.code))
      this.#examples.set(answer.code, answer.text.trim().slice(0, exampleCharactersMax));
    // An endpoint that is not there answers at once; asking it thousands of times a second helps nobody.
    if (!/^\d/.test(answer.code))
      await sleep(refusedPauseMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }

  #post({ body, index }: LoadBody): Promise<{ code: string; text: string } | undefined> {
    const { url, headers, tenants, signal } = this.#options;
    const tenant = tenants.length > 0 ? { 'THANOS-TENANT': tenants[index % tenants.length] as string } : {};
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void =>
        resolve(signal.aborted ? undefined : { code: error.code ?? 'ERROR', text: error.message });
      const request = httpRequest(url, {
        method: 'POST',
        agent: this.#agent,
        signal,
        timeout: requestMsMax,
        headers: { ...standardHeaders[body.version], 'Content-Length': body.bytes.length, ...tenant, ...headers },
      });
      request.on('timeout', () =>
        request.destroy(Object.assign(new Error(`no answer within ${requestMsMax / 1000} s`), { code: 'TIMEOUT' })),
      );
      request.on('error', failed);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          if (text.length < exampleCharactersMax) text += part;
        });
        response.on('error', failed);
        response.on('end', () =>
          resolve(
            judgeAnswer(
              { version: body.version, samples: body.sampleCount },
              { status: response.statusCode ?? 0, headers: response.headers, text },
            ),
          ),
        );
      });
      request.end(body.bytes);
    });
  }
}

const commonHeaders = { 'Content-Encoding': 'snappy', 'User-Agent': 'gauntlet-loadgen' };
/** As Prometheus sends them. */
const standardHeaders = {
  '1.0': {
    ...commonHeaders,
    'Content-Type': 'application/x-protobuf',
    'X-Prometheus-Remote-Write-Version': '0.1.0',
  },
  '2.0': {
    ...commonHeaders,
    'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'X-Prometheus-Remote-Write-Version': '2.0.0',
  },
};
const requestMsMax = 60_000;
const refusedPauseMs = 200;
const exampleCharactersMax = 200;
