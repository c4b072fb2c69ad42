import { parseRequestLogConfig, RequestLogConfigError, type RequestLogConfig } from '@gauntlet/telemetry';
import { type ServerTlsFiles, type SubjectField } from '@gauntlet/tls';
import { configContent, type ConfigContent } from './config-content.js';
import { type ExternalLabel, ConfigError, parseExternalLabels } from './external-labels.js';
import { type Exit, type Flag, type ParsedFlags, exitWithError, parseFlags } from './flags.js';
import { serverTlsOf, tenantFieldOf } from './tls-flags.js';

/** The version that `--version` prints. */
export const programVersion = '0.1.0';

/** What both apps are told. */
export interface CommonFlags {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'logfmt' | 'json';
  readonly httpAddress: string;
  readonly httpGraceMs: number;
  /** The web configuration file of the HTTP listener: who may ask, and over what. Undefined lets anyone ask in plain text. */
  readonly httpConfigFile: string | undefined;
  readonly grpcAddress: string;
  readonly grpcGraceMs: number;
  readonly grpcConnectionAgeMsMax: number;
  /** Undefined for plain text. */
  readonly grpcTls: ServerTlsFiles | undefined;
  readonly remoteWriteAddress: string;
  /** Undefined for plain HTTP. */
  readonly remoteWriteTls: ServerTlsFiles | undefined;
  readonly tenantHeader: string;
  readonly defaultTenant: string;
  /** Names the tenant of a write in place of any header; only where clients have to show a certificate. */
  readonly tenantCertificateField: SubjectField | undefined;
  readonly replicaHeader: string;
  /** The label that names the tenant of a series written over HTTP, and is taken off. */
  readonly splitLabel: string | undefined;
  /** The YAML of the rules for writes over HTTP, with the environment filled in; undefined for none. */
  readonly relabelConfig: ConfigContent | undefined;
  readonly otlp: { readonly targetInfo: boolean; readonly promoteResourceAttributes: readonly string[] };
  /** Where the limits of writes are; a file is read again every `reloadMs`. */
  readonly limits: { readonly file: string; readonly reloadMs: number } | { readonly content: string } | undefined;
  /** Undefined logs no requests. */
  readonly requestLog: RequestLogConfig | undefined;
  readonly externalLabels: readonly ExternalLabel[];
  /** Lines for the log at level debug: what was given and means nothing here. */
  readonly notes: readonly string[];
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
    const { config, warnings } = read(parsed.flags);
    return { kind: 'config', config, warnings: [...warnings, ...withoutEffect(program.flags, parsed.flags)] };
  } catch (error) {
    if (error instanceof ConfigError) return exitWithError(program.name, 1, error.message);
    throw error;
  }
}

function withoutEffect(known: readonly Flag[], given: ParsedFlags): string[] {
  return known.flatMap(({ name, noEffect }) =>
    noEffect !== undefined && given.given(name) ? [`Flag '--${name}' has no effect: ${noEffect}`] : [],
  );
}

export function readCommonFlags(flags: ParsedFlags, env: NodeJS.ProcessEnv): CommonFlags {
  const logFormat = flags.text('log.format');
  if (logFormat === 'journald') {
    throw new ConfigError(
      "Cannot use flag '--log.format': journald is not spoken; systemd takes the lines of logfmt or json from standard error",
    );
  }
  // Nothing here waits for a slow caller in numbers of answers, but a start that Thanos refuses is a mistake.
  if (flags.number('receive.lazy-retrieval-max-buffered-responses') <= 0)
    throw new ConfigError('--receive.lazy-retrieval-max-buffered-responses must be > 0');
  const remoteWriteTls = serverTlsOf(flags, 'remote-write.server-tls');
  return {
    logLevel: flags.text('log.level') as CommonFlags['logLevel'],
    logFormat: logFormat as CommonFlags['logFormat'],
    httpAddress: flags.text('http-address'),
    httpGraceMs: flags.number('http-grace-period'),
    httpConfigFile: flags.text('http.config') || undefined,
    grpcAddress: flags.text('grpc-address'),
    grpcGraceMs: flags.number('grpc-grace-period'),
    grpcConnectionAgeMsMax: flags.number('grpc-server-max-connection-age'),
    grpcTls: serverTlsOf(flags, 'grpc-server-tls'),
    remoteWriteAddress: flags.text('remote-write.address'),
    remoteWriteTls,
    tenantHeader: flags.text('receive.tenant-header'),
    defaultTenant: flags.text('receive.default-tenant-id'),
    tenantCertificateField: tenantFieldOf(flags, remoteWriteTls),
    replicaHeader: flags.text('receive.replica-header'),
    splitLabel: flags.text('receive.split-tenant-label-name') || undefined,
    relabelConfig: relabelConfigOf(flags, env),
    otlp: {
      targetInfo: flags.bool('receive.otlp-enable-target-info'),
      promoteResourceAttributes: flags.list('receive.otlp-promote-resource-attributes').filter(Boolean),
    },
    limits: limitsOf(flags, env),
    requestLog: requestLogOf(flags, env),
    externalLabels: parseExternalLabels(flags.list('label')),
    notes: notesOf(flags),
  };
}

function relabelConfigOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): ConfigContent | undefined {
  try {
    return configContent(flags, 'receive.relabel-config', env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`get relabel configuration: ${error.message}`, { cause: error });
  }
}

/** What the flags say of the listener for writes, under the names that it has for its settings. */
export function writesOf(flags: CommonFlags) {
  const { remoteWriteTls, tenantCertificateField, tenantHeader, defaultTenant } = flags;
  const { splitLabel, replicaHeader, relabelConfig, limits, otlp } = flags;
  return {
    tls: remoteWriteTls,
    certificateField: tenantCertificateField,
    tenantHeader,
    defaultTenant,
    splitLabel,
    replicaHeader,
    relabelConfig,
    limits,
    otlp,
  };
}

function limitsOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): CommonFlags['limits'] {
  const reloadMs = flags.number('receive.limits-config-reload-timer');
  if (reloadMs <= 0)
    throw new ConfigError("Cannot use flag '--receive.limits-config-reload-timer': it must be above 0");
  try {
    const limits = configContent(flags, 'receive.limits-config', env);
    const file = flags.text('receive.limits-config-file');
    return limits && (file === '' ? { content: limits.content } : { file, reloadMs });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`get content of limit configuration: ${error.message}`, { cause: error });
  }
}

function requestLogOf(flags: ParsedFlags, env: NodeJS.ProcessEnv): RequestLogConfig | undefined {
  const document = configContent(flags, 'request.logging-config', env);
  try {
    return document && parseRequestLogConfig(document.content);
  } catch (error) {
    if (error instanceof RequestLogConfigError) throw new ConfigError(error.message, { cause: error });
    throw error;
  }
}

const forGoOnly = ['auto-gomemlimit.ratio', 'enable-auto-gomemlimit', 'debug.name'];

function notesOf(flags: ParsedFlags): string[] {
  const notes = forGoOnly
    .filter((name) => flags.given(name))
    .map((name) => `Flag '--${name}' has no effect: it concerns the runtime of Go`);
  if (flags.given('receive.lazy-retrieval-max-buffered-responses')) {
    notes.push(
      "Flag '--receive.lazy-retrieval-max-buffered-responses' has no effect: what waits for a slow caller is bounded in bytes",
    );
  }
  return notes;
}

/** What is accepted although it does nothing, and an operator should know: deployments would not start otherwise. */
export function commonWarnings(flags: ParsedFlags): string[] {
  const features = flags
    .list('enable-feature')
    .flatMap((list) => list.split(','))
    .filter(Boolean);
  return [
    ...(flags.given('receive.capnproto-address')
      ? ["Flag '--receive.capnproto-address' has no effect: Cap'n Proto is not served"]
      : []),
    ...features.map((name) =>
      name === 'metric-names-filter'
        ? "Feature 'metric-names-filter' has no effect: queriers are not told which metric names there are, and ask for all"
        : `Feature ${JSON.stringify(name)} is unknown and has no effect`,
    ),
  ];
}
