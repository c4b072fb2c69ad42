import {
  type CommonFlags,
  type ConfigResult,
  capnprotoWarnings,
  parseConfig,
  readCommonFlags,
} from './common-config.js';
import { ConfigError } from './external-labels.js';
import { flagsFor } from './thanos-flags.js';

export interface RouterFlags extends CommonFlags {
  /** Empty for none; wins over `hashrings`. */
  readonly hashringsFile: string;
  readonly hashrings: string;
  readonly hashringsAlgorithm: 'hashmod' | 'ketama';
  readonly hashringsRefreshMs: number;
  readonly tenantHeader: string;
  /** At least 1. */
  readonly workersPerPeer: number;
  readonly compression: 'snappy' | 'none';
  /** At least 1. */
  readonly replicationFactor: number;
  readonly forwardTimeoutMs: number;
  readonly forwardBackoffMsMax: number;
}

/** The router's command line. */
export function parseRouterFlags(argv: readonly string[]): ConfigResult<RouterFlags> {
  const about = 'Takes remote write, finds the owners of each series on the hashring and replicates to them.';
  return parseConfig({ name: 'router', about, flags: flagsFor('router') }, argv, (flags) => {
    if (flags.text('receive.replication-protocol') !== 'protobuf') {
      throw new ConfigError("Cannot use flag '--receive.replication-protocol': capnproto is not yet supported");
    }
    const config: RouterFlags = {
      ...readCommonFlags(flags),
      hashringsFile: flags.text('receive.hashrings-file'),
      hashrings: flags.text('receive.hashrings'),
      hashringsAlgorithm: flags.text('receive.hashrings-algorithm') as RouterFlags['hashringsAlgorithm'],
      hashringsRefreshMs: flags.number('receive.hashrings-file-refresh-interval'),
      tenantHeader: flags.text('receive.tenant-header'),
      workersPerPeer: Math.max(1, flags.number('receive.forward.async-workers')),
      compression: flags.text('receive.grpc-compression') as RouterFlags['compression'],
      replicationFactor: Math.max(1, flags.number('receive.replication-factor')),
      forwardTimeoutMs: flags.number('receive-forward-timeout'),
      forwardBackoffMsMax: flags.number('receive-forward-max-backoff'),
    };
    return { config, warnings: capnprotoWarnings(flags) };
  });
}
