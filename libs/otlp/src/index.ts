export {
  messageBytesMaxDefault,
  translateMetrics,
  translateMetricsInSlices,
  type OtlpContentType,
  type Translation,
  type TranslationOptions,
} from './translate-metrics.js';
export { type Pace } from './steps.js';
export { encodeExportResponse } from './export-response.js';
export { OtlpMalformedError, OtlpTooLargeError } from './otlp-error.js';
