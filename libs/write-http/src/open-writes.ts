import { messageOf, type Clock, type Log } from '@gauntlet/base';
import { collectLimitsMetrics, openLimits, type OpenLimitsOptions, type WriteLimits } from '@gauntlet/limits';
import type { TranslationOptions } from '@gauntlet/otlp';
import { parseRelabelConfig, relabel, RelabelConfigError, type RelabelRules } from '@gauntlet/relabel';
import { collectTlsMetrics, type MetricRegistry, type RequestLog } from '@gauntlet/telemetry';
import { createWebServer, openServerTls, type ServerTlsFiles } from '@gauntlet/tls';
import { createOtlpTranslator } from './otlp-translator.js';
import type { Relabel } from './rewrite-request.js';
import type { CertificateField } from './tenancy.js';
import type { WriteListenerOptions } from './write-listener.js';

/** How a process takes writes, as its flags say. What is left out is off, or has the default of `writeListenerDefaults`. */
export interface WriteConfig {
  readonly tls?: ServerTlsFiles | undefined;
  readonly tenantHeader?: string | undefined;
  readonly defaultTenant?: string | undefined;
  readonly certificateField?: CertificateField | undefined;
  readonly splitLabel?: string | undefined;
  readonly replicaHeader?: string | undefined;
  /** YAML, and the flag or file that it came from. */
  readonly relabelConfig?: { readonly content: string; readonly source: string } | undefined;
  readonly limits?: OpenLimitsOptions['source'];
  readonly otlp?: TranslationOptions | undefined;
}

export interface WriteEnvironment {
  readonly log: Log;
  readonly clock: Clock;
  readonly registry: MetricRegistry;
  /** Undefined when no requests are logged, which saves their ids. */
  readonly requestLog?: RequestLog | undefined;
}

/** What a listener is made with, and the limits that others ask too. */
export interface OpenedWrites {
  readonly settings: Pick<
    WriteListenerOptions,
    | 'limits'
    | 'tenantHeader'
    | 'defaultTenant'
    | 'certificateField'
    | 'splitLabel'
    | 'relabel'
    | 'otlp'
    | 'replicaHeader'
    | 'requestLog'
    | 'createServer'
  >;
  readonly limits: WriteLimits;
  /** Follows no file any more. */
  close(): void;
}

const otlpDefaults: TranslationOptions = { targetInfo: true, promoteResourceAttributes: [] };

/**
 * Reads the files that the configuration names, and follows those that may change.
 * Rejects with RelabelConfigError, LimitsConfigError, LimitsFileError or TlsConfigError; nothing is left open then.
 */
export async function openWrites(config: WriteConfig, environment: WriteEnvironment): Promise<OpenedWrites> {
  const { log, clock, registry, requestLog } = environment;
  const { tenantHeader, defaultTenant, certificateField, splitLabel, replicaHeader, otlp = otlpDefaults } = config;
  const rules = relabelOf(config.relabelConfig);
  const tls = config.tls && (await openServerTls(config.tls, { log, use: 'remote-write' }));
  const observer = collectLimitsMetrics(registry, { clock });
  const limits = await openLimits({ source: config.limits, clock, log, observer }).catch((error: unknown) => {
    tls?.close();
    throw error;
  });
  return {
    limits,
    settings: {
      limits,
      tenantHeader,
      defaultTenant,
      certificateField,
      splitLabel,
      replicaHeader,
      relabel: rules,
      otlp: createOtlpTranslator(otlp),
      requestLog: requestLog && ((request, handler) => requestLog.http(request, handler)),
      createServer(handler) {
        const { server, tally } = createWebServer(handler, tls);
        if (tls) collectTlsMetrics(registry, [tls], () => tally.refusedConnections);
        return server;
      },
    },
    close() {
      limits.stop();
      tls?.close();
    },
  };
}

/** Undefined without rules: requests then pass as they are. */
function relabelOf(config: WriteConfig['relabelConfig']): Relabel | undefined {
  if (config === undefined) return undefined;
  let rules: RelabelRules;
  try {
    rules = parseRelabelConfig(config.content);
  } catch (error) {
    throw new RelabelConfigError(`Cannot use ${config.source}: ${messageOf(error)}`, { cause: error });
  }
  return rules.count === 0 ? undefined : (labels) => relabel(rules, labels);
}
