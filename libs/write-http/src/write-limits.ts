/** Limits by tenant, asked anew at each request, so that they may change while requests are under way. */
export interface WriteLimits {
  forTenant(tenant: string): RequestLimits;
  /** Whether `samplesMax` bounds histograms too, which it does not upstream (spec/receive.md S36). */
  samplesLimitCountsHistograms(): boolean;
  /** Why the tenant may write nothing for now (it has too many series already), or undefined. */
  headSeriesRefusal(tenant: string): string | undefined;
  /** Waits at the gate. The caller runs what it gets when its request is done. Rejects with the signal's reason when that aborts first. */
  enter(signal: AbortSignal): Promise<() => void>;
  /** The same at once, when nobody has to wait; undefined otherwise. Most requests need no more. */
  tryEnter(): (() => void) | undefined;
  /** Takes samples out of the tenant's allowance. Returns 0, or the milliseconds to wait, and then has taken none. */
  takeSamples(tenant: string, count: number): number;
  /** For the metrics: a request was refused, being so much above a limit. */
  reportHit(tenant: string, limit: RequestLimitName, excess: number): void;
}

export type RequestLimitName = 'series' | 'samples' | 'body_size';

/** Bounds of one request; 0 is none. What is equal to a bound is within it. */
export interface RequestLimits {
  /** Of the body, compressed and decompressed. */
  readonly bodyBytesMax: number;
  readonly seriesMax: number;
  /** Float samples. */
  readonly samplesMax: number;
}

const unlimited: RequestLimits = { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 };
const leave = (): void => {};

export const noWriteLimits: WriteLimits = {
  forTenant: () => unlimited,
  headSeriesRefusal: () => undefined,
  enter: () => Promise.resolve(leave),
  tryEnter: () => leave,
  takeSamples: () => 0,
  samplesLimitCountsHistograms: () => false,
  reportHit: () => {},
};
