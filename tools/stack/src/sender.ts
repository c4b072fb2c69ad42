import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { compress } from 'snappy';
import { readMachineMetrics } from './machine-metrics.js';
import { parseTextFormat, type ScrapedSample } from './text-format.js';

export interface Target {
  readonly job: string;
  readonly instance: string;
  /** Gives the text of a /metrics page. */
  readonly url?: string;
}

const scrapeMsMax = 3000;
const writeMsMax = 10_000;
const seriesPerRequest = 2000;

/** Scrapes processes and the machine and sends what it finds by remote write: a small Prometheus without a disk. */
export class Sender {
  readonly #url: string;
  readonly #targets: readonly Target[];
  #failures = 0;
  #lastFailure = '';

  constructor(url: string, targets: readonly Target[]) {
    this.#url = url;
    this.#targets = targets;
  }

  get failures(): number {
    return this.#failures;
  }

  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** One round over all targets. Never throws: a failed write is counted, and its samples are given up, as the next round brings newer ones. */
  async sendOnce(signal: AbortSignal): Promise<void> {
    const timestampMs = Date.now();
    const pages = await Promise.all(this.#targets.map((target) => scrape(target, signal)));
    const series = this.#targets.flatMap((target, k) => seriesOf(target, pages[k], timestampMs));
    for (let first = 0; first < series.length && !signal.aborted; first += seriesPerRequest)
      await this.#write(series.slice(first, first + seriesPerRequest), signal);
  }

  async #write(series: readonly SeriesInput[], signal: AbortSignal): Promise<void> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
          'X-Prometheus-Remote-Write-Version': '0.1.0',
        },
        body: new Uint8Array(await compress(encodeWriteRequest({ timeseries: series }))),
        signal: AbortSignal.any([signal, AbortSignal.timeout(writeMsMax)]),
      });
      const text = await response.text();
      if (!response.ok) this.#fail(`${response.status} ${text.trim()}`);
    } catch (error) {
      if (!signal.aborted) this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #fail(reason: string): void {
    this.#failures += 1;
    this.#lastFailure = reason.slice(0, 160);
  }
}

/** The series of one scrape, labels sorted; `up` tells whether there was an answer. */
export function seriesOf(
  { job, instance }: Target,
  page: readonly ScrapedSample[] | undefined,
  timestampMs: number,
): SeriesInput[] {
  const up: ScrapedSample = { name: 'up', labels: {}, value: page ? 1 : 0 };
  return [up, ...(page ?? [])].map(({ name, labels, value }) => {
    const all = Object.entries({ ...labels, job, instance, __name__: name }).filter(([, text]) => text !== '');
    return {
      labels: all.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      samples: [{ timestampMs, value }],
    };
  });
}

async function scrape({ url }: Target, signal: AbortSignal): Promise<ScrapedSample[] | undefined> {
  if (url === undefined) return readMachineMetrics();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(scrapeMsMax)]) });
    return response.ok ? parseTextFormat(await response.text()) : undefined;
  } catch {
    return undefined;
  }
}
