import { MessageError } from '@gauntlet/kernel';
import { verdictsMetadataKey } from '@gauntlet/remote-write';
import { createGrpcServer, UnreadableMessageError, type GrpcServer, type GrpcServerOptions } from '@gauntlet/rpc';
import { protoFiles } from '@gauntlet/wire';
import type { WriteService } from './write-service.js';

/** The gRPC server of an ingester, with the writes of routers; it does not listen yet. */
export function createWriteServer(
  writes: Pick<WriteService, 'remoteWrite'>,
  options: Omit<GrpcServerOptions, 'protoFiles'>,
): GrpcServer {
  const server = createGrpcServer({ ...options, protoFiles });
  server.addRawUnary('/thanos.WriteableStore/RemoteWrite', async ({ bytes, encoding }, { metadata }) => {
    try {
      return await writes.remoteWrite(bytes, encoding, { verdicts: metadata.get(verdictsMetadataKey)[0] === '1' });
    } catch (error) {
      // Upstream answers INTERNAL, which routers take for an outage; so they do with ours.
      if (error instanceof MessageError) throw new UnreadableMessageError(error.message, { cause: error });
      throw error;
    }
  });
  return server;
}
