export { ListenError, formatHostPort, listenError, parseListenAddress, type ListenAddress } from './listen-address.js';
export { createLogger, type LogLevel, type Logger, type LoggerOptions } from './logger.js';
export {
  collectCounter,
  collectGauge,
  createRegistry,
  type ExpositionFormat,
  type MetricFamily,
  type MetricLabels,
  type MetricRegistry,
  type MetricSample,
  type ReadMetric,
  type RegistryOptions,
} from './registry.js';
export {
  createCounter,
  createGauge,
  createHistogram,
  type Cell,
  type Cells,
  type CellsOptions,
  type HistogramCell,
  type Histograms,
} from './cells.js';
export { listenOn, startProbeServer, stopServer, type ProbeServer, type ProbeServerOptions } from './probe-server.js';
export {
  RequestLogConfigError,
  parseRequestLogConfig,
  requestLogLevels,
  type ProtocolLogging,
  type RequestLogConfig,
  type RequestLogLevel,
} from './request-log-config.js';
export {
  createRequestLog,
  logRequests,
  type LoggedCall,
  type LoggedEndOfCall,
  type RequestLog,
} from './request-log.js';
export { collectTlsMetrics } from './tls-metrics.js';
