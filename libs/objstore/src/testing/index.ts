export { bucketContract, gather, gatherBytes } from './bucket-contract.js';
export { FaultProxy, type ProxiedRequest, type ProxyFault } from './fault-proxy.js';
export { FaultyBucket, type Fault, type FaultPlan } from './faulty-bucket.js';
export { MemoryBucket } from './memory-bucket.js';
export { startMinio, type MinioServer } from './minio-server.js';
