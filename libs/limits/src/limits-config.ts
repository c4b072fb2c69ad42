import { messageOf } from '@gauntlet/base';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { LimitsConfigError } from './errors.js';

/** Bounds of one request; 0 is none. What is equal to a bound is within it. */
export interface RequestLimits {
  /** Of the body, compressed and decompressed. */
  readonly bodyBytesMax: number;
  readonly seriesMax: number;
  /** Float samples; with `samplesLimitCountsHistograms` histograms as well. */
  readonly samplesMax: number;
}

export interface SampleRate {
  /** 0: no limit. */
  readonly samplesPerSecond: number;
  /** What may come at once after a pause, in samples. */
  readonly burst: number;
}

/** What holds for one tenant. */
export interface TenantLimits {
  readonly request: RequestLimits;
  /** Series by meta-monitoring, from which on writes are refused; 0 is none. */
  readonly headSeriesMax: number;
  readonly rate: SampleRate;
  /** Series that a tenant may have in one ingester; 0 is none. */
  readonly activeSeriesMax: number;
}

/** Where to ask how many series tenants have. Holds secrets: never log it. */
export interface MetaMonitoring {
  readonly url: string;
  readonly query: string;
  readonly client: HttpClientSettings;
}

/** Empty texts are settings that are not made. Files are read anew for each query. */
export interface HttpClientSettings {
  readonly username: string;
  readonly password: string;
  readonly passwordFile: string;
  readonly bearerToken: string;
  readonly bearerTokenFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

export interface LimitsConfig {
  /** Requests at the gate at a time; 0: no gate. */
  readonly concurrencyMax: number;
  readonly samplesLimitCountsHistograms: boolean;
  readonly default: TenantLimits;
  /** By the exact name of the tenant. */
  readonly tenants: ReadonlyMap<string, TenantLimits>;
  /** Tenants whose `request` is in the file: the others have no row in metrics. */
  readonly tenantsWithRequest: ReadonlySet<string>;
  /** Undefined where no limit asks for it. */
  readonly metaMonitoring: MetaMonitoring | undefined;
}

const queryDefault = 'sum(prometheus_tsdb_head_series) by (tenant)';

/**
 * Reads the YAML of `--receive.limits-config` (spec/receive.md 8). Stricter than Thanos: numbers must be whole, the URL http or https, and one
 * way to authenticate enough. An empty document sets no limits.
 * @throws LimitsConfigError
 */
export function parseLimits(text: string): LimitsConfig {
  const { write } = check(documentKeys, parseYaml(text), []);
  const { global } = write;
  const base = tenantLimits(write.default, noLimits);
  const tenants = new Map<string, TenantLimits>();
  const tenantsWithRequest = new Set<string>();
  for (const [name, value] of Object.entries(mapping(write.tenants, ['write', 'tenants']))) {
    const own = check(tenantKeys, value, ['write', 'tenants', name]);
    tenants.set(name, tenantLimits(own, base));
    if (own.request !== undefined) tenantsWithRequest.add(name);
  }
  const client = clientSettings(global.meta_monitoring_http_client);
  const url = metaMonitoringUrl(global.meta_monitoring_url);
  const isHeadLimited = [base, ...tenants.values()].some(({ headSeriesMax }) => headSeriesMax > 0);
  return {
    concurrencyMax: Math.max(0, global.max_concurrency),
    samplesLimitCountsHistograms: global.samples_limit_counts_histograms,
    default: base,
    tenants,
    tenantsWithRequest,
    metaMonitoring:
      url !== '' && isHeadLimited
        ? { url, query: global.meta_monitoring_limit_query || queryDefault, client }
        : undefined,
  };
}

// Scalars arrive as text (see parseYaml): the keys know their types, and a password of digits keeps its zeros.
const text = z.string();
const whole = z
  .string()
  .regex(/^[+-]?\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const count = whole.refine((value) => value >= 0, 'must not be negative');
const flag = z
  .string()
  .regex(/^(true|false|yes|no|on|off)$/i, 'must be true or false')
  .transform((value) => /^(true|yes|on)$/i.test(value));

const tenantKeys = z.strictObject({
  request: z
    .strictObject({
      size_bytes_limit: whole.optional(),
      series_limit: whole.optional(),
      samples_limit: whole.optional(),
    })
    .optional(),
  head_series_limit: count.optional(),
  rate: z.strictObject({ samples_per_second: count.optional(), burst: count.optional() }).optional(),
  active_series_limit: count.optional(),
});

const transportKeys = z.strictObject({
  max_idle_conns: whole.optional(),
  max_idle_conns_per_host: whole.optional(),
  idle_conn_timeout: whole.optional(),
  response_header_timeout: whole.optional(),
  expect_continue_timeout: whole.optional(),
  max_conns_per_host: whole.optional(),
  disable_compression: flag.optional(),
  tls_handshake_timeout: whole.optional(),
  dialer_timeout: whole.optional(),
});

const clientKeys = z.strictObject({
  basic_auth: z
    .strictObject({ username: text.default(''), password: text.default(''), password_file: text.default('') })
    .prefault({}),
  bearer_token: text.default(''),
  bearer_token_file: text.default(''),
  proxy_url: text.default(''),
  tls_config: z
    .strictObject({
      ca_file: text.default(''),
      cert_file: text.default(''),
      key_file: text.default(''),
      server_name: text.default(''),
      insecure_skip_verify: flag.default(false),
    })
    .prefault({}),
  // There is one query at a time, over a connection of its own, within a time that covers all of these.
  transport_config: transportKeys.prefault({}),
});

const documentKeys = z.strictObject({
  write: z
    .strictObject({
      global: z
        .strictObject({
          max_concurrency: whole.default(0),
          meta_monitoring_url: text.default(''),
          meta_monitoring_limit_query: text.default(''),
          meta_monitoring_http_client: clientKeys.prefault({}),
          samples_limit_counts_histograms: flag.default(false),
        })
        .prefault({}),
      default: tenantKeys.prefault({}),
      tenants: z.unknown().optional(), // Checked one by one, so that a tenant may have any name.
    })
    .prefault({}),
});

const noLimits: TenantLimits = {
  request: { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 },
  headSeriesMax: 0,
  rate: { samplesPerSecond: 0, burst: 0 },
  activeSeriesMax: 0,
};

/** What is not set is inherited, key by key; zero and less is no limit. */
function tenantLimits(own: z.output<typeof tenantKeys>, base: TenantLimits): TenantLimits {
  const bound = (value: number | undefined, inherited: number): number => Math.max(0, value ?? inherited);
  const samplesPerSecond = bound(own.rate?.samples_per_second, base.rate.samplesPerSecond);
  // A tenant with a rate of its own has the burst of that rate; inheriting one made for another rate would surprise.
  const isRateOwn = own.rate?.samples_per_second !== undefined;
  const burst = own.rate?.burst ?? (isRateOwn ? 0 : base.rate.burst);
  return {
    request: {
      bodyBytesMax: bound(own.request?.size_bytes_limit, base.request.bodyBytesMax),
      seriesMax: bound(own.request?.series_limit, base.request.seriesMax),
      samplesMax: bound(own.request?.samples_limit, base.request.samplesMax),
    },
    headSeriesMax: bound(own.head_series_limit, base.headSeriesMax),
    rate: { samplesPerSecond, burst: burst || samplesPerSecond },
    activeSeriesMax: bound(own.active_series_limit, base.activeSeriesMax),
  };
}

const clientPath = 'write.global.meta_monitoring_http_client';

function clientSettings(keys: z.output<typeof clientKeys>): HttpClientSettings {
  const { basic_auth: basic, tls_config: tls } = keys;
  if (keys.proxy_url !== '')
    throw fault(`field ${clientPath}.proxy_url is not supported: meta-monitoring must be reachable without a proxy`);
  if (basic.password !== '' && basic.password_file !== '')
    throw fault(`field ${clientPath}.basic_auth has both password and password_file`);
  if (keys.bearer_token !== '' && keys.bearer_token_file !== '')
    throw fault(`field ${clientPath} has both bearer_token and bearer_token_file`);
  const hasBasic = basic.username + basic.password + basic.password_file !== '';
  if (hasBasic && keys.bearer_token + keys.bearer_token_file !== '')
    throw fault(`field ${clientPath} has both basic_auth and a bearer token`);
  if ((tls.cert_file === '') !== (tls.key_file === ''))
    throw fault(`field ${clientPath}.tls_config needs both cert_file and key_file, or neither`);
  return {
    username: basic.username,
    password: basic.password,
    passwordFile: basic.password_file,
    bearerToken: keys.bearer_token,
    bearerTokenFile: keys.bearer_token_file,
    caFile: tls.ca_file,
    certFile: tls.cert_file,
    keyFile: tls.key_file,
    serverName: tls.server_name,
    insecureSkipVerify: tls.insecure_skip_verify,
  };
}

/** Not quoted in errors: it may hold a password. */
function metaMonitoringUrl(url: string): string {
  if (url === '') return '';
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw fault(
      'field write.global.meta_monitoring_url is not a valid meta-monitoring URL (http or https, and a host)',
    );
  return url;
}

/** Only null is told from text. */
function parseYaml(yaml: string): unknown {
  const document = parseDocument(yaml, { schema: 'failsafe', customTags: ['null'], merge: true });
  const error = document.errors[0];
  if (error !== undefined) {
    // The parser's own message quotes the line, which may hold a secret.
    const isUnclosed = error.code === 'BAD_INDENT' || error.code === 'MISSING_CHAR';
    const reason = isUnclosed ? 'did not find expected node content' : error.code.toLowerCase().replaceAll('_', ' ');
    throw fault(`yaml: line ${error.linePos?.[0].line ?? 1}: ${reason}`);
  }
  try {
    return dropNulls(document.toJS());
  } catch (error) {
    throw fault(`yaml: ${messageOf(error)}`);
  }
}

/** A key without a value means its default. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, member === null ? undefined : dropNulls(member)]),
  );
}

function mapping(value: unknown, path: readonly string[]): object {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault(`field ${path.join('.')} must be a mapping`);
  return value;
}

function check<T extends z.ZodType>(keys: T, value: unknown, at: readonly string[]): z.output<T> {
  const result = keys.safeParse(value ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = [...at, ...issue.path.map(String)];
  if (issue.code === 'unrecognized_keys') throw fault(`field ${[...path, issue.keys[0]].join('.')} not found`);
  const where = path.length === 0 ? 'document' : `field ${path.join('.')}`;
  if (issue.code === 'invalid_type')
    throw fault(`${where} must be ${issue.expected === 'object' ? 'a mapping' : 'a single value'}`);
  throw fault(`${where} ${issue.message}`);
}

function fault(reason: string): LimitsConfigError {
  return new LimitsConfigError(`Cannot parse limits configuration: ${reason}`);
}
