import { type ExternalLabel, ConfigError, parseExternalLabels } from './external-labels.js';
import { type Exit, type Flag, type ParsedFlags, exitWithError, parseFlags } from './flags.js';

/** The version that `--version` prints. */
export const programVersion = '0.1.0';

/** What both apps are told. */
export interface CommonFlags {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'logfmt' | 'json';
  readonly httpAddress: string;
  readonly httpGraceMs: number;
  readonly grpcAddress: string;
  readonly grpcGraceMs: number;
  readonly grpcConnectionAgeMsMax: number;
  readonly remoteWriteAddress: string;
  readonly defaultTenant: string;
  readonly externalLabels: readonly ExternalLabel[];
}

export type ConfigResult<Config> =
  { readonly kind: 'config'; readonly config: Config; readonly warnings: readonly string[] } | Exit;

/** Parses a command line to an app's config, or to how the process should end. */
export function parseConfig<Config>(
  program: { name: string; about: string; flags: readonly Flag[] },
  argv: readonly string[],
  read: (flags: ParsedFlags) => { config: Config; warnings: string[] },
): ConfigResult<Config> {
  const parsed = parseFlags({ ...program, version: programVersion }, argv);
  if (parsed.kind === 'exit') return parsed;
  try {
    return { kind: 'config', ...read(parsed.flags) };
  } catch (error) {
    if (error instanceof ConfigError) return exitWithError(program.name, 1, error.message);
    throw error;
  }
}

export function readCommonFlags(flags: ParsedFlags): CommonFlags {
  const logFormat = flags.text('log.format');
  if (logFormat === 'journald') throw new ConfigError("Cannot use flag '--log.format': journald is not yet supported");
  return {
    logLevel: flags.text('log.level') as CommonFlags['logLevel'],
    logFormat: logFormat as CommonFlags['logFormat'],
    httpAddress: flags.text('http-address'),
    httpGraceMs: flags.number('http-grace-period'),
    grpcAddress: flags.text('grpc-address'),
    grpcGraceMs: flags.number('grpc-grace-period'),
    grpcConnectionAgeMsMax: flags.number('grpc-server-max-connection-age'),
    remoteWriteAddress: flags.text('remote-write.address'),
    defaultTenant: flags.text('receive.default-tenant-id'),
    externalLabels: parseExternalLabels(flags.list('label')),
  };
}

/** Cap'n Proto flags are everywhere in deployments, so they get a warning where other flags would be refused. */
export function capnprotoWarnings(flags: ParsedFlags): string[] {
  return flags.given('receive.capnproto-address')
    ? ["Flag '--receive.capnproto-address' has no effect: Cap'n Proto is not served"]
    : [];
}
