export { findPeer, peersRequired, receiveCommand, subject, type Maker, type Peer } from './peers.js';
export { endToEnd, Lab, waitFor, type EndToEnd } from './lab.js';
export { startIngester, startMinio, startPrometheus, startRouter, startThanosQuery, startThanosStore, bucketConfig, readMetrics, untilReady } from './servers.js';
export { remoteWrite, type Answer } from './remote-write-client.js';
export { countSamples, differences, parseDump, promtoolDump, runPeer, type Dump } from './promtool.js';
export { dumpBucket, gatherBlocks, listBucket, type BucketBlock } from './bucket-blocks.js';
