import { createHash } from 'node:crypto';
import { MiB, messageOf, type Clock, type Log } from '@gauntlet/base';
import { readBoundedFile } from '@gauntlet/vfs';
import { LimitsFileError } from './errors.js';
import { Gate } from './gate.js';
import { HeadSeriesLoop } from './head-series-loop.js';
import { parseLimits, type LimitsConfig, type RequestLimits, type TenantLimits } from './limits-config.js';
import { nodeFetch, type Fetch } from './meta-monitoring.js';
import type { LimitsObserver, RequestLimitName } from './observer.js';
import { SampleBuckets } from './sample-buckets.js';

/** A file of limits is read whole, again and again. */
export const fileBytesMax = 16 * MiB;

/** The limits on writes as they are now. Ask at each request: they change while requests are under way. */
export interface WriteLimits {
  /** Limits of a tenant as they are now; 0 means none. */
  forTenant(tenant: string): RequestLimits;
  /** Whether `samplesMax` counts histograms too. Thanos does not; `write.global.samples_limit_counts_histograms` makes it so. */
  samplesLimitCountsHistograms(): boolean;
  /** Why a tenant's writes are refused for its active series now (meta-monitoring); undefined: they are not. Counts the refusal. */
  headSeriesRefusal(tenant: string): string | undefined;
  /** Waits for the concurrency gate; resolves with the release, rejects with the signal's reason when that aborts first (a cancelled waiter frees nobody's slot). */
  enter(signal: AbortSignal): Promise<() => void>;
  /** The release at once when nobody has to wait at the gate; undefined otherwise. */
  tryEnter(): (() => void) | undefined;
  /** Takes from the tenant's bucket of samples per second; milliseconds to wait when there is not enough, 0 when taken. */
  takeSamples(tenant: string, samples: number): number;
  /** Our own: series a tenant may have in one ingester; 0 means none. */
  activeSeriesMax(tenant: string): number;
  /** For the metrics: a request was refused, being so much above a limit. */
  reportHit(tenant: string, limit: RequestLimitName, excess: number): void;
}

export interface OpenLimitsOptions {
  /** Undefined: no limits. A file is read again every `reloadMs`. */
  readonly source: { readonly file: string; readonly reloadMs: number } | { readonly content: string } | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: LimitsObserver;
  /** How meta-monitoring is asked; over HTTP by default. */
  readonly fetch?: Fetch;
}

/**
 * Reads the limits, and follows their file until stopped. A file that gets bad changes nothing but counters and the log.
 * @throws LimitsConfigError, LimitsFileError: the limits to start with cannot be used
 */
export async function openLimits(options: OpenLimitsOptions): Promise<WriteLimits & { stop(): void }> {
  const { source } = options;
  const limits = new LiveLimits(options);
  if (source === undefined) limits.apply(parseLimits(''));
  else if ('content' in source) limits.load(Buffer.from(source.content));
  else await limits.follow(source);
  return limits;
}

class LiveLimits implements WriteLimits {
  readonly #options: OpenLimitsOptions;
  readonly #gate: Gate;
  readonly #buckets = new SampleBuckets();
  readonly #headSeries: HeadSeriesLoop;
  readonly #stopping = new AbortController();
  #config!: LimitsConfig;
  /** Of the content read last, good or bad. */
  #hash = '';
  #lastFailure = '';

  constructor(options: OpenLimitsOptions) {
    const { clock, log, observer, fetch = nodeFetch } = options;
    this.#options = options;
    this.#gate = new Gate(observer, () => clock.monotonicMs());
    this.#headSeries = new HeadSeriesLoop({ clock, log, observer, fetch });
  }

  forTenant(tenant: string): RequestLimits {
    return this.#of(tenant).request;
  }

  samplesLimitCountsHistograms(): boolean {
    return this.#config.samplesLimitCountsHistograms;
  }

  headSeriesRefusal(tenant: string): string | undefined {
    const { headSeriesMax } = this.#of(tenant);
    if (headSeriesMax === 0) return undefined;
    const series = this.#headSeries.counts.of(tenant);
    if (series === undefined || series < headSeriesMax) return undefined;
    this.#options.observer.headSeriesRefused(tenant);
    return 'tenant is above active series limit';
  }

  tryEnter(): (() => void) | undefined {
    return this.#gate.tryEnter();
  }

  enter(signal: AbortSignal): Promise<() => void> {
    return this.#gate.enter(signal);
  }

  takeSamples(tenant: string, samples: number): number {
    const { rate } = this.#of(tenant);
    if (rate.samplesPerSecond === 0) return 0;
    return this.#buckets.take({ tenant, samples, rate, nowMs: this.#options.clock.monotonicMs() });
  }

  activeSeriesMax(tenant: string): number {
    return this.#of(tenant).activeSeriesMax;
  }

  reportHit(tenant: string, limit: RequestLimitName, excess: number): void {
    this.#options.observer.limitHit({ tenant, limit, excess });
  }

  stop(): void {
    this.#stopping.abort(new Error('limits stopped'));
    this.#headSeries.follow(undefined);
  }

  /** Reads the file for the first time, then again and again. */
  async follow({ file, reloadMs }: { file: string; reloadMs: number }): Promise<void> {
    this.load(await readLimits(file));
    void this.#poll(file, reloadMs);
  }

  /** Content that is the same as at the last read is not looked at again. */
  load(content: Buffer): void {
    const hash = createHash('sha256').update(content).digest('hex');
    if (hash === this.#hash) return;
    this.#hash = hash;
    const { observer, log } = this.#options;
    try {
      this.apply(parseLimits(content.toString('utf8')));
    } catch (error) {
      observer.configRead('failed');
      throw error;
    }
    observer.configRead('applied');
    log.info('limits applied', { tenants: this.#config.tenants.size });
  }

  apply(config: LimitsConfig): void {
    const { metaMonitoring, ...limits } = config;
    this.#config = config;
    this.#gate.setMax(config.concurrencyMax);
    this.#headSeries.follow(metaMonitoring);
    this.#options.observer.limitsChanged(limits);
  }

  async #poll(file: string, reloadMs: number): Promise<void> {
    const { clock, log, observer } = this.#options;
    const { signal } = this.#stopping;
    while (true) {
      await clock.sleep(reloadMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        const content = await readLimits(file);
        if (signal.aborted) return;
        this.load(content);
        this.#lastFailure = '';
      } catch (error) {
        const reason = messageOf(error);
        if (reason === this.#lastFailure) continue;
        this.#lastFailure = reason;
        // Bad content has been counted where it was read; a file that cannot be read counts once.
        if (error instanceof LimitsFileError) observer.configRead('failed');
        log.error('limits file is not usable, the last limits stay in use', { file, error: reason });
      }
    }
  }

  #of(tenant: string): TenantLimits {
    return this.#config.tenants.get(tenant) ?? this.#config.default;
  }
}

async function readLimits(path: string): Promise<Buffer> {
  try {
    return await readBoundedFile(path, fileBytesMax);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LimitsFileError(
      `Cannot read limits configuration ${path}: ${isMissing ? 'no such file or directory' : messageOf(error)}`,
      { cause: error },
    );
  }
}
