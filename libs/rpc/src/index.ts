export { type FrameCodec } from './frame-codec.js';
export {
  PeerError,
  UnreadableMessageError,
  grpcCodeNames,
  grpcCodeOf,
  grpcStatusOf,
  kindOfGrpcCode,
  type GrpcCodeName,
  type GrpcStatus,
} from './errors.js';
export { type MessageEncoding, type RawMessage } from './snappy-adaptation.js';
export {
  CallCancelledError,
  createGrpcServer,
  messageBytesMaxDefault,
  type CallContext,
  type GrpcServer,
  type GrpcServerOptions,
  type RawUnaryHandler,
} from './server.js';
export { connectPeer, type CallOptions, type OutgoingMessage, type Peer, type PeerOptions } from './peer.js';
