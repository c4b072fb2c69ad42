export { serveStoreApi } from './serve-store-api.js';
export { answerStatusTsdb, type StatusAnswer, type StatusOptions, type StatusRequest } from './status-tsdb.js';
export { type SelectLimits, type StoreApiOptions } from './store-api-options.js';
export { requestBytesMax } from './read-requests.js';
export { frameBytesMax } from './series-frames.js';
export {
  PartialAnswerError,
  StoreLimitError,
  StoreNotReadyError,
  StoreRequestError,
  StoreRequestTooLongError,
} from './store-error.js';
export {
  type ExemplarQuery,
  type ExemplarSeries,
  type Statistic,
  type StoredExemplar,
  type TenantReader,
  type TenantReaders,
  type TenantStatistics,
} from './tenant-reader.js';
