export {
  messageBytesMaxDefault,
  translateMetrics,
  type OtlpContentType,
  type Translation,
  type TranslationOptions,
} from './translate-metrics.js';
export { encodeExportResponse } from './export-response.js';
export { OtlpMalformedError, OtlpTooLargeError } from './otlp-error.js';
