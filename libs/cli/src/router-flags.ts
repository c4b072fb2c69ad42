import { type ClientTlsFiles } from '@gauntlet/tls';
import { type CommonFlags, type ConfigResult, commonWarnings, parseConfig, readCommonFlags } from './common-config.js';
import { ConfigError } from './external-labels.js';
import { type ParsedFlags } from './flags.js';
import { flagsFor } from './thanos-flags.js';
import { peerTlsOf } from './tls-flags.js';

export interface RouterFlags extends CommonFlags {
  /** Empty for none; wins over `hashrings`. */
  readonly hashringsFile: string;
  readonly hashrings: string;
  readonly hashringsAlgorithm: 'hashmod' | 'ketama';
  readonly hashringsRefreshMs: number;
  /** At least 1. */
  readonly workersPerPeer: number;
  readonly compression: 'snappy' | 'none';
  /** Undefined for plain text. */
  readonly peerTls: ClientTlsFiles | undefined;
  /** At least 1. */
  readonly replicationFactor: number;
  readonly forwardTimeoutMs: number;
  readonly forwardBackoffMsMax: number;
  /** Tests only: calls to the second peer wait up to so long. */
  readonly artificialDelayMsMax: number;
}

/** The router's command line. */
export function parseRouterFlags(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ConfigResult<RouterFlags> {
  const about = 'Takes remote write, finds the owners of each series on the hashring and replicates to them.';
  return parseConfig({ name: 'router', about, flags: flagsFor('router') }, argv, (flags) => {
    refuseOtherRoles(flags);
    const { tls: peerTls, warnings } = peerTlsOf(flags);
    const config: RouterFlags = {
      ...readCommonFlags(flags, env),
      hashringsFile: flags.text('receive.hashrings-file'),
      hashrings: flags.text('receive.hashrings'),
      hashringsAlgorithm: flags.text('receive.hashrings-algorithm') as RouterFlags['hashringsAlgorithm'],
      hashringsRefreshMs: flags.number('receive.hashrings-file-refresh-interval'),
      workersPerPeer: Math.max(1, flags.number('receive.forward.async-workers')),
      compression: flags.text('receive.grpc-compression') as RouterFlags['compression'],
      peerTls,
      replicationFactor: Math.max(1, flags.number('receive.replication-factor')),
      forwardTimeoutMs: flags.number('receive-forward-timeout'),
      forwardBackoffMsMax: flags.number('receive-forward-max-backoff'),
      artificialDelayMsMax: flags.number('receive.artificial-max-delay'),
    };
    return { config, warnings: [...commonWarnings(flags), ...warnings, ...serviceConfigWarnings(flags)] };
  });
}

function refuseOtherRoles(flags: ParsedFlags): void {
  if (flags.text('receive.replication-protocol') !== 'protobuf') {
    throw new ConfigError(
      "Cannot use flag '--receive.replication-protocol': capnproto is not spoken; use protobuf, which every receiver of Thanos takes",
    );
  }
  if (flags.text('receive.local-endpoint') !== '') {
    throw new ConfigError(
      "Cannot use flag '--receive.local-endpoint': a router keeps no series of its own, and the app that routes and stores in one process comes later; run an ingester, name it in the hashring, and leave the flag out",
    );
  }
}

/** Thanos starts with any text here, so a deployment may rely on it; what it could change are retries and the choice of one of several addresses. */
function serviceConfigWarnings(flags: ParsedFlags): string[] {
  return flags.text('receive.grpc-service-config') === ''
    ? []
    : [
        "Flag '--receive.grpc-service-config' has no effect: calls to peers have deadlines, queues and backoff of their own",
      ];
}
