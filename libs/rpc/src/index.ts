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
export { type MessageEncoding, type RawMessage } from './grpc-js-adaptation.js';
export {
  CallCancelledError,
  createGrpcServer,
  messageBytesMaxDefault,
  type CallContext,
  type GrpcServer,
  type GrpcServerOptions,
  type RawServerStreamHandler,
  type RawUnaryHandler,
} from './server.js';
export {
  type CallListeners,
  type FinishedCall,
  type StartedCall,
  type MethodTally,
  type MethodType,
} from './call-tally.js';
export { collectGrpcMetrics } from './grpc-metrics.js';
export { MessageTooLongError, queuedBytesMax, type MessageSink } from './message-sink.js';
export { openGrpcServerTls } from './open-grpc-server-tls.js';
export { type ProtoFile } from './reflection.js';
export { connectPeer, type CallOptions, type OutgoingMessage, type Peer, type PeerOptions } from './peer.js';
