import { connectPeer, type PeerOptions } from '@gauntlet/rpc';

/** How the router reaches its peers. */
export interface PeerTransport {
  /** Connects lazily; whatever fails shows when a call is made. */
  connect(address: string): PeerConnection;
}

export interface PeerConnection {
  /**
   * Makes one `thanos.WriteableStore/RemoteWrite` call.
   * Rejects with an error that carries the status as a number in `grpcCode` and reads `rpc error: code = X desc = Y`.
   */
  remoteWrite(message: Buffer, options: RemoteWriteOptions): Promise<void>;
  close(): void;
}

export interface RemoteWriteOptions {
  /** Whether the message is a framed snappy stream. */
  readonly compressed: boolean;
  /** Unix milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export const grpcCodes = { unknown: 2, alreadyExists: 6, unavailable: 14 } as const;

/** The status that a call ended with; UNKNOWN for anything that never was a status. */
export function statusOfError(error: unknown): number {
  const code = (error as { readonly grpcCode?: unknown } | undefined)?.grpcCode;
  return typeof code === 'number' ? code : grpcCodes.unknown;
}

/** Peers over gRPC, one channel for each address. */
export function grpcPeerTransport(options: PeerOptions): PeerTransport {
  return {
    connect(address) {
      const peer = connectPeer(address, options);
      return {
        async remoteWrite(message, { compressed, deadlineMs, signal }) {
          await peer.call('/thanos.WriteableStore/RemoteWrite', { bytes: message, compressed }, { deadlineMs, signal });
        },
        close: () => peer.close(),
      };
    },
  };
}
