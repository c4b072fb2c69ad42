export {
  routerDefaults,
  startRouter,
  type RouterConfig,
  type RunningRouter,
  type WriteSettings,
} from './start-router.js';
export { silentObserver, type RouterObserver } from './observer.js';
export {
  grpcPeerTransport,
  type PeerConnection,
  type PeerTransport,
  type RemoteWriteOptions,
} from './peer-transport.js';
export { nodeHashringFile, type HashringFile } from './hashring-file.js';
export { configHash, HashringLoadError } from './hashring-watcher.js';
export { NoHashringError, WriteRefusedError } from './errors.js';
export {
  serveRouter,
  type RouterServer,
  type RouterServerConfig,
  type RouterServerEnvironment,
} from './serve-router.js';
export { routerMetrics } from './router-metrics.js';
