import './heap.js';
import { join } from 'node:path';
import { parseIngesterFlags, runApp, writesOf, type IngesterFlags } from '@gauntlet/cli';
import { startIngester } from '@gauntlet/ingester';
import { createLogger, createRegistry } from '@gauntlet/telemetry';
import { WorkerThread } from '@gauntlet/tsdb';

void runApp<IngesterFlags>({
  name: 'ingester',
  parse: (argv) => parseIngesterFlags(argv),
  async start(flags, warnings) {
    const log = createLogger({ level: flags.logLevel, format: flags.logFormat, component: 'ingester' });
    for (const warning of warnings) log.warn(warning);
    for (const note of flags.notes) log.debug(note);
    // The program of the thread lies beside this one.
    const heavyWork = new WorkerThread(join(__dirname, 'worker.js'));
    const ingester = await startIngester(
      {
        httpAddress: flags.httpAddress,
        grpcAddress: flags.grpcAddress,
        remoteWriteAddress: flags.remoteWriteAddress,
        writes: writesOf(flags),
        httpConfigFile: flags.httpConfigFile,
        grpcTls: flags.grpcTls,
        requestLog: flags.requestLog,
        httpGraceMs: flags.httpGraceMs,
        grpcGraceMs: flags.grpcGraceMs,
        grpcConnectionAgeMsMax: flags.grpcConnectionAgeMsMax,
        dataDir: flags.dataDir,
        lock: flags.lockFile,
        labels: Object.fromEntries(flags.externalLabels.map(({ name, value }) => [name, value])),
        tenantLabelName: flags.tenantLabelName,
        tenantHeader: flags.tenantHeader,
        selectLimits: flags.selectLimits,
        defaultTenant: flags.defaultTenant,
        retentionMs: flags.retentionMs,
        retentionBytesMax: flags.retentionBytesMax,
        freeDiskBytesMin: flags.freeDiskBytesMin,
        memoryBytesMax: flags.memoryBytesMax,
        outOfOrderWindowMs: flags.outOfOrderWindowMs,
        outOfOrderCapMax: flags.outOfOrderCapMax,
        exemplarsMax: flags.exemplarsMax,
        futureWindowMs: flags.futureWindowMs,
        blockRangeMs: flags.blockRangeMs,
        chunkRangeMs: flags.chunkRangeMs,
        walCompression: flags.walCompression,
        walDurability: flags.walDurability,
        bucketConfig: flags.objstoreConfig,
        shipper: {
          hashFunc: flags.hashFunc,
          uploadConcurrency: flags.uploadConcurrency,
          allowOutOfOrderUploads: flags.allowOutOfOrderUploads,
          skipCorruptedBlocks: flags.skipCorruptedBlocks,
        },
      },
      { log, registry: createRegistry(), heavyWork },
    );
    log.info('listening', { remoteWrite: flags.remoteWriteAddress, http: flags.httpAddress, grpc: flags.grpcAddress });
    return {
      stop: async () => {
        log.info('stopping: flushing heads and uploading blocks');
        await ingester.stop();
        await heavyWork.close();
        log.info('stopped');
      },
    };
  },
});
