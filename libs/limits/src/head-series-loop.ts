import { messageOf, secondMs, type Clock, type Log } from '@gauntlet/base';
import { MetaMonitoringError } from './errors.js';
import type { MetaMonitoring } from './limits-config.js';
import { querySeries, type Fetch } from './meta-monitoring.js';
import type { LimitsObserver } from './observer.js';
import { SeriesCounts } from './series-counts.js';

export const queryIntervalMs = 15 * secondMs;
/** Of one query, from its files to the last byte of its answer. */
export const queryTimeoutMs = 10 * secondMs;

export interface HeadSeriesLoopOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: LimitsObserver;
  readonly fetch: Fetch;
}

/** Asks meta-monitoring at once and then every 15 s, for as long as the limits need it. */
export class HeadSeriesLoop {
  readonly counts = new SeriesCounts();
  readonly #options: HeadSeriesLoopOptions;
  #target: MetaMonitoring | undefined;
  #running = new AbortController();
  #lastFailure = '';

  constructor(options: HeadSeriesLoopOptions) {
    this.#options = options;
  }

  /**
   * Follows the configuration. Another place or query is asked at once; numbers that are known hold until then. Without a target there is nothing to
   * hold, and they are forgotten.
   */
  follow(target: MetaMonitoring | undefined): void {
    if (JSON.stringify(target) === JSON.stringify(this.#target)) return;
    this.#target = target;
    this.#running.abort(new Error('the limits changed'));
    this.#running = new AbortController();
    if (target === undefined) this.counts.clear();
    else void this.#run(target, this.#running.signal);
  }

  async #run(target: MetaMonitoring, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#round(target, signal);
      await this.#options.clock.sleep(queryIntervalMs, signal).catch(() => {});
    }
  }

  async #round(target: MetaMonitoring, signal: AbortSignal): Promise<void> {
    const { log, observer } = this.#options;
    try {
      const answer = await this.#query(target, signal);
      if (signal.aborted) return;
      this.counts.succeeded(answer);
      this.#lastFailure = '';
    } catch (error) {
      if (signal.aborted) return;
      this.counts.failed();
      observer.metaMonitoringFailed();
      const reason = messageOf(error);
      if (reason !== this.#lastFailure)
        log.error('meta-monitoring does not answer, the last numbers of series stay in use', { error: reason });
      this.#lastFailure = reason;
    }
  }

  async #query(target: MetaMonitoring, signal: AbortSignal): Promise<Map<string, number>> {
    const { clock, fetch } = this.#options;
    const done = new AbortController();
    const late = new AbortController();
    const onAbort = (): void => late.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    clock.sleep(queryTimeoutMs, done.signal).then(
      () => late.abort(),
      () => {},
    );
    try {
      return await querySeries(target, { nowMs: clock.nowMs(), fetch, signal: late.signal });
    } catch (error) {
      if (!late.signal.aborted || signal.aborted) throw error;
      throw new MetaMonitoringError(`Cannot query meta-monitoring: no answer within ${queryTimeoutMs} ms`, {
        cause: error,
      });
    } finally {
      done.abort('done');
      signal.removeEventListener('abort', onAbort);
    }
  }
}
