import { MiB } from '@gauntlet/base';
import { decodeRejections, verdictsMetadataKey, type Rejection } from '@gauntlet/remote-write';
import { connectPeer, type PeerOptions } from '@gauntlet/rpc';
import { grpcCodes } from './errors.js';

/** How the router reaches its peers. */
export interface PeerTransport {
  /** Connects lazily; whatever fails shows when a call is made. */
  connect(address: string): PeerConnection;
}

export interface PeerConnection {
  /**
   * Makes one `thanos.WriteableStore/RemoteWrite` call.
   * Resolves with what of the message the peer refused; a peer that cannot say it rejects with ALREADY_EXISTS, though it stored the rest.
   * Rejects with an error that carries the status as a number in `grpcCode` and reads `rpc error: code = X desc = Y`.
   */
  remoteWrite(message: Buffer, options: RemoteWriteOptions): Promise<readonly Rejection[]>;
  /** Resolves to true when a connection that is lost now is there again, to false when none is lost or the time is over. */
  reconnected(deadlineMs: number): Promise<boolean>;
  close(): void;
}

export interface RemoteWriteOptions {
  /** Whether the message is a framed snappy stream. */
  readonly compressed: boolean;
  /** Unix milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** The status that a call ended with; UNKNOWN for anything that never was a status. */
export function statusOfError(error: unknown): number {
  const code = (error as { readonly grpcCode?: unknown } | undefined)?.grpcCode;
  return typeof code === 'number' ? code : grpcCodes.unknown;
}

const nothing: readonly Rejection[] = [];

/** Of a list of refusals, the longest of which has 131,072 runs. */
const replyBytesMax = 8 * MiB;

/** Peers over gRPC, one channel for each address. */
export function grpcPeerTransport(options: PeerOptions): PeerTransport {
  return {
    connect(address) {
      const peer = connectPeer(address, {
        replyBytesMax,
        ...options,
        metadata: { ...options.metadata, [verdictsMetadataKey]: '1' },
      });
      return {
        async remoteWrite(message, { compressed, deadlineMs, signal }) {
          const reply = await peer.call(
            '/thanos.WriteableStore/RemoteWrite',
            { bytes: message, compressed },
            { deadlineMs, signal },
          );
          return reply.length === 0 ? nothing : decodeRejections(reply);
        },
        reconnected: (deadlineMs) => peer.reconnected(deadlineMs),
        close: () => peer.close(),
      };
    },
  };
}
