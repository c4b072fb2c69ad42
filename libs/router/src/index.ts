export { startRouter, type RouterConfig, type RunningRouter } from './start-router.js';
export { grpcPeerTransport } from './peer-transport.js';
export {
  serveRouter,
  type RouterServer,
  type RouterServerConfig,
  type RouterServerEnvironment,
} from './serve-router.js';
