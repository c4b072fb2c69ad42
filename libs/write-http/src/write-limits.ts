import type { RequestLimits, WriteLimits } from '@gauntlet/limits';

const unlimited: RequestLimits = { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 };
const leave = (): void => {};

/** For a listener that holds requests against no limits of their tenant. */
export const noWriteLimits: WriteLimits = {
  forTenant: () => unlimited,
  headSeriesRefusal: () => undefined,
  enter: () => Promise.resolve(leave),
  tryEnter: () => leave,
  takeSamples: () => 0,
  samplesLimitCountsHistograms: () => false,
  activeSeriesMax: () => 0,
  reportHit: () => {},
};
