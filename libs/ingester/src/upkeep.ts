import { messageOf, minuteMs, secondMs, type Clock, type Log } from '@gauntlet/base';
import { cutDelayMs, isCutTime } from './cut-schedule.js';
import { eachAtOnce } from './each-at-once.js';
import type { Tenant } from './tenant.js';
import type { Tenants } from './tenants.js';

export interface UpkeepOptions {
  readonly tenants: Tenants;
  readonly clock: Clock;
  readonly log: Log;
  readonly blockRangeMs: number;
}

/** Cuts at the same time, for all tenants: a cut reads a whole head and writes a whole block. */
const cutsAtOnce = 2;
/** A maintenance moves chunks in slices on the one thread that has them. */
const maintenancesAtOnce = 1;
const tidyingsAtOnce = 4;
const shipmentsAtOnce = 4;
const shipIntervalMs = 30 * secondMs;
/** One pass of a shipper; the next one goes on where it stopped (spec/receive.md 7.8). */
const shipPassMsMax = 10 * minuteMs;

/**
 * Keeps all tenants in shape, with one loop for each kind of work rather than for each tenant: cutting, maintenance, retention (which also closes idle tenants and removes
 * old ones), shipping. A kind that is slow, as shipping is while the bucket is down, keeps no other kind waiting.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[] = [];

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Once the tenants that were there are found. */
  start(): void {
    if (this.#stopping.signal.aborted) return;
    const { blockRangeMs } = this.#options;
    // Short ranges, as in tests, are looked at more often.
    const minuteOrLess = Math.min(minuteMs, Math.ceil(blockRangeMs / 20));
    this.#loop(minuteOrLess, () => this.cut());
    this.#loop(minuteMs, () => this.maintain());
    this.#loop(minuteOrLess, () => this.tidy());
    this.#loop(shipIntervalMs, () => this.ship());
  }

  /** Breaks off uploads, and resolves when all work that has begun has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the ingester is stopping'));
    await Promise.all(this.#loops);
  }

  /** Cuts the heads that are due. */
  async cut(): Promise<void> {
    const { clock, blockRangeMs: rangeMs } = this.#options;
    await this.#each('cut', cutsAtOnce, async ({ name, database }) => {
      if (database?.state !== 'open') return;
      if (isCutTime(database.head, { nowMs: clock.nowMs(), rangeMs, delayMs: cutDelayMs(name, rangeMs) }))
        await database.cutIfDue();
    });
  }

  /** Moves finished chunks from memory to disk. */
  async maintain(): Promise<void> {
    await this.#each('maintenance', maintenancesAtOnce, async ({ database }) => {
      if (database?.state === 'open') await database.maintain();
    });
  }

  /** Deletes what is over the retention time or size, closes idle tenants, removes old ones, and tries again what could not be opened. */
  async tidy(): Promise<void> {
    const { tenants } = this.#options;
    await this.#each('retention', tidyingsAtOnce, async (tenant) => {
      if (tenant.isRetryDue) await tenant.retry();
      else if (tenant.isTidyDue) await tenants.tidy(tenant);
      else await tenant.retain();
    });
    await this.#each('closing', cutsAtOnce, (tenant) => tenant.retire());
  }

  /** Uploads blocks that are not in the bucket. */
  async ship(): Promise<void> {
    await this.#each('ship', shipmentsAtOnce, (tenant) =>
      tenant.ship(AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(shipPassMsMax)])),
    );
  }

  /** A tenant's failure is logged, and its work tried again at its next turn. */
  async #each(work: string, atOnce: number, run: (tenant: Tenant) => Promise<void>): Promise<void> {
    const { tenants, log } = this.#options;
    await eachAtOnce(tenants.known(), atOnce, async (tenant) => {
      if (this.#stopping.signal.aborted) return;
      await run(tenant).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted)
          log.error('background work failed', { tenant: tenant.name, work, error: messageOf(error) });
      });
    });
  }

  #loop(everyMs: number, work: () => Promise<void>): void {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        await work();
        await clock.sleep(everyMs, signal).catch(() => {});
      }
    };
    this.#loops.push(run());
  }
}
