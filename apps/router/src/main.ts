import './heap.js';
import { ConfigError, parseRouterFlags, runApp, writesOf, type RouterFlags } from '@gauntlet/cli';
import { serveRouter } from '@gauntlet/router';
import { createLogger, createRegistry } from '@gauntlet/telemetry';

void runApp<RouterFlags>({
  name: 'router',
  parse: parseRouterFlags,
  async start(flags, warnings) {
    const log = createLogger({ level: flags.logLevel, format: flags.logFormat, component: 'router' });
    for (const warning of warnings) log.warn(warning);
    for (const note of flags.notes) log.debug(note);
    const router = await serveRouter(
      {
        httpAddress: flags.httpAddress,
        grpcAddress: flags.grpcAddress,
        remoteWriteAddress: flags.remoteWriteAddress,
        httpGraceMs: flags.httpGraceMs,
        grpcGraceMs: flags.grpcGraceMs,
        grpcConnectionAgeMsMax: flags.grpcConnectionAgeMsMax,
        hashrings: hashringsOf(flags),
        algorithm: flags.hashringsAlgorithm,
        replicationFactor: flags.replicationFactor,
        writes: writesOf(flags),
        httpConfigFile: flags.httpConfigFile,
        grpcTls: flags.grpcTls,
        peerTls: flags.peerTls,
        requestLog: flags.requestLog,
        artificialDelayMsMax: flags.artificialDelayMsMax,
        compression: flags.compression,
        workersPerPeer: flags.workersPerPeer,
        forwardTimeoutMs: flags.forwardTimeoutMs,
        forwardBackoffMsMax: flags.forwardBackoffMsMax,
      },
      { log, registry: createRegistry() },
    );
    log.info('listening', { remoteWrite: flags.remoteWriteAddress, http: flags.httpAddress, grpc: flags.grpcAddress });
    return {
      stop: async () => {
        log.info('stopping');
        await router.stop();
        log.info('stopped');
      },
    };
  },
});

/** The file wins over the content, as in Thanos. */
function hashringsOf({
  hashringsFile,
  hashrings,
  hashringsRefreshMs,
}: RouterFlags): { file: string; refreshIntervalMs: number } | { content: string } {
  if (hashringsFile !== '') return { file: hashringsFile, refreshIntervalMs: hashringsRefreshMs };
  if (hashrings !== '') return { content: hashrings };
  throw new ConfigError('Cannot start: a router needs --receive.hashrings-file or --receive.hashrings');
}
