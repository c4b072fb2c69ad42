import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { encodeThanosWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { connectPeer } from '@gauntlet/rpc';

const callMsMax = 20_000;

/** Writes to an ingester as a router does. */
export interface IngesterClient {
  /** Rejects with a `PeerError` unless the ingester has acknowledged all of it. */
  write(tenant: string, timeseries: readonly SeriesInput[]): Promise<void>;
  close(): void;
}

export function connectIngester({ grpc }: { readonly grpc: string }): IngesterClient {
  const peer = connectPeer(grpc, { codec: { encode: snappyFramedEncode, decode: snappyFramedDecode } });
  return {
    async write(tenant, timeseries) {
      const bytes = encodeThanosWriteRequest({ tenant, timeseries });
      await peer.call(
        '/thanos.WriteableStore/RemoteWrite',
        { bytes, compressed: false },
        { deadlineMs: Date.now() + callMsMax },
      );
    },
    close: () => peer.close(),
  };
}
