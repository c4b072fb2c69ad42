import type { RequestLimits, WriteLimits } from '@gauntlet/limits';

export interface FakeLimits {
  readonly default?: Partial<RequestLimits>;
  readonly tenants?: Readonly<Record<string, Partial<RequestLimits>>>;
  /** Tenants with too many series. */
  readonly crowded?: readonly string[];
  readonly enter?: WriteLimits['enter'];
  readonly takeSamples?: WriteLimits['takeSamples'];
  readonly countsHistograms?: boolean;
  readonly reportHit?: WriteLimits['reportHit'];
}

export function limitsOf({ default: shared, tenants = {}, crowded = [], ...rest }: FakeLimits): WriteLimits {
  const none = { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 };
  return {
    forTenant: (tenant) => ({ ...none, ...shared, ...tenants[tenant] }),
    headSeriesRefusal: (tenant) => (crowded.includes(tenant) ? 'tenant is above active series limit' : undefined),
    enter: rest.enter ?? (() => Promise.resolve(() => {})),
    // Whoever brings a gate wants it to be waited at.
    tryEnter: () => (rest.enter ? undefined : () => {}),
    takeSamples: rest.takeSamples ?? (() => 0),
    samplesLimitCountsHistograms: () => rest.countsHistograms ?? false,
    activeSeriesMax: () => 0,
    reportHit: rest.reportHit ?? (() => {}),
  };
}
