export { HashringError, type HashringErrorCode } from './error.js';
export { parseHashrings, type Endpoint, type HashringConfig, type ShuffleShardingConfig } from './hashring-config.js';
export { buildHashrings, Hashrings, type Algorithm, type HashringOptions } from './hashrings.js';
export { type Ring } from './ring.js';
export { type ShuffleCacheStats } from './shuffle-sharding.js';
export { judge, mergeVerdicts, quorumOf, type Tally, type Verdict } from './quorum.js';
