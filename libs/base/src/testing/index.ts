export { findPeer, peerOrSkip, peersRequired, type Peer } from './find-peer.js';
export { findFreePorts } from './find-free-ports.js';
export { until } from './until.js';
export { bundleApp, type BundledApp } from './bundled-app.js';
export { forEachMutation, mutate, mutations, type Mutation, type MutationOptions } from './mutate.js';
