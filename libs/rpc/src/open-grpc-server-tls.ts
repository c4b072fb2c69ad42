import { messageOf, type Log } from '@gauntlet/base';
import { openServerTls, TlsConfigError, type Reloaded, type ServerTls, type ServerTlsFiles } from '@gauntlet/tls';

/** The TLS of a process' gRPC server. Rejects with `TlsConfigError` in the words that operators of Thanos know. */
export async function openGrpcServerTls(
  files: ServerTlsFiles,
  { log }: { readonly log: Log },
): Promise<Reloaded<ServerTls>> {
  try {
    return await openServerTls(files, { log, use: 'grpc' });
  } catch (error) {
    throw new TlsConfigError(`setup gRPC server: ${messageOf(error)}`, { cause: error });
  }
}
