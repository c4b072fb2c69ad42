export { grpcHealthV1Health } from './generated/grpc/health/v1/health.js';
export { prometheusRemote } from './generated/prometheus/remote.js';
export { thanosStoreWriteableStore } from './generated/thanos/store/writeable-store.js';
