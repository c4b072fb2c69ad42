export { type RemoteWriteVersion } from './body-layout.js';
export { isSuccess } from './judge-answer.js';
export { seriesLabels, type LabelPair } from './series-labels.js';
export { buildBody, patchBody, generatedValue, type PatchableBody } from './patchable-body.js';
export {
  Load,
  prepareBodies,
  type LoadAnswer,
  type LoadBody,
  type LoadOptions,
  type LoadResult,
  type LoadShape,
} from './load.js';
export { measure, type MeasuredProcess, type Measurement, type ProcessCost } from './measure.js';
export { readProcessUsage, type ProcessUsage } from './process-usage.js';
export { LatencyHistogram } from './latency-histogram.js';
export { BadArgument, parseCount, parseDurationMs, strictly } from './load-arguments.js';
export { binaryBytes, milliseconds, textTable, wholeNumber } from './text-table.js';
