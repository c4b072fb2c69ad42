import { z } from 'zod';
import { GiB, MiB, minuteMs, secondMs } from '@gauntlet/base';

export interface S3HttpConfig {
  readonly idleConnTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
  readonly tlsHandshakeTimeoutMs: number;
  readonly maxIdleConns: number;
  readonly maxIdleConnsPerHost: number;
  /** 0: no limit. */
  readonly maxConnsPerHost: number;
  readonly insecureSkipVerify: boolean;
  readonly serverName: string;
  /** Paths; empty for none. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export type S3Encryption =
  | { readonly type: 'none' }
  | { readonly type: 'SSE-S3' }
  | { readonly type: 'SSE-KMS'; readonly keyId: string; readonly context: Readonly<Record<string, string>> }
  | { readonly type: 'SSE-C'; readonly keyFile: string };

/** The keys of Thanos' S3 document (spec/store-gateway.md 2.2), checked. Holds secrets: never log it. */
export interface S3Config {
  readonly bucket: string;
  readonly host: string;
  /** 0: that of the protocol. */
  readonly port: number;
  /** Empty: asked of the store. */
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  readonly insecure: boolean;
  readonly userMetadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly trace: boolean;
  readonly listVersion: 'v1' | 'v2';
  readonly lookup: 'auto' | 'virtual-hosted' | 'path';
  readonly sendContentMd5: boolean;
  readonly multipart: boolean;
  readonly partBytes: number;
  readonly encryption: S3Encryption;
  readonly attemptsMax: number;
  readonly http: S3HttpConfig;
}

export const partBytesMin = 5 * MiB;
export const partBytesMax = 5 * GiB;
/** What the S3 library takes when no part size is configured. */
const partBytesUnset = 16 * MiB;

// Scalars arrive as text (see bucket-config.ts), so that a key made of digits keeps its zeros.
const text = z.string();
const flag = z
  .string()
  .regex(/^(true|false|yes|no|on|off)$/i, 'is not a boolean')
  .transform((value) => /^(true|yes|on)$/i.test(value));
const count = z
  .string()
  .regex(/^\d{1,15}$/, 'is not a whole number')
  .transform(Number);
const duration = z.string().transform((value, context) => {
  const ms = durationMs(value);
  if (ms === undefined) context.addIssue({ code: 'custom', message: 'is not a duration such as 90s or 2m' });
  return ms ?? 0;
});
const texts = z.record(z.string(), z.string());

const tlsKeys = z.strictObject({
  ca_file: text.default(''),
  cert_file: text.default(''),
  key_file: text.default(''),
  server_name: text.default(''),
  insecure_skip_verify: flag.default(false),
});
const httpKeys = z.strictObject({
  idle_conn_timeout: duration.default(90 * secondMs),
  response_header_timeout: duration.default(2 * minuteMs),
  insecure_skip_verify: flag.default(false),
  tls_handshake_timeout: duration.default(10 * secondMs),
  expect_continue_timeout: duration.default(secondMs), // No request of ours asks for "100 Continue", nor does Thanos' library.
  max_idle_conns: count.default(100),
  max_idle_conns_per_host: count.default(100),
  max_conns_per_host: count.default(0),
  tls_config: tlsKeys.prefault({}),
  disable_compression: flag.default(false), // We never ask for compressed answers.
});
const sseKeys = z.strictObject({
  type: text.default(''),
  kms_key_id: text.default(''),
  kms_encryption_context: texts.default({}),
  encryption_key: text.default(''),
});

/** The S3 document as written. */
export const s3Keys = z.strictObject({
  bucket: text.default(''),
  endpoint: text.default(''),
  region: text.default(''),
  disable_dualstack: flag.default(false), // The client knows single-stack AWS endpoints only, which serve both settings.
  aws_sdk_auth: flag.default(false),
  access_key: text.default(''),
  secret_key: text.default(''),
  session_token: text.default(''),
  insecure: flag.default(false),
  signature_version2: flag.default(false),
  put_user_metadata: texts.default({}),
  http_config: httpKeys.prefault({}),
  trace: z.strictObject({ enable: flag.default(false) }).prefault({}),
  list_objects_version: text.default(''),
  bucket_lookup_type: text.default('auto'),
  send_content_md5: flag.default(true),
  disable_multipart: flag.default(false),
  part_size: count.default(64 * MiB),
  sse_config: sseKeys.prefault({}),
  sts_endpoint: text.default(''),
  max_retries: count.default(0),
});

/** The checked configuration, or a text that names the key at fault. */
export function s3ConfigFrom(keys: z.output<typeof s3Keys>): S3Config | string {
  const fault = faultOf(keys);
  if (fault !== undefined) return fault;
  const endpoint = splitEndpoint(keys.endpoint);
  if (endpoint === undefined)
    return `endpoint must be host or host:port, without a scheme or path${keys.endpoint.includes('://') ? ' (for plain HTTP set "insecure: true")' : ''}`;
  const encryption = encryptionFrom(keys.sse_config);
  if (typeof encryption === 'string') return encryption;
  const storageClassKey = Object.keys(keys.put_user_metadata).find(
    (key) => key.toLowerCase() === 'x-amz-storage-class',
  );
  const tls = keys.http_config.tls_config;
  return {
    ...endpoint,
    bucket: keys.bucket,
    region: keys.region,
    accessKey: keys.access_key,
    secretKey: keys.secret_key,
    sessionToken: keys.session_token,
    insecure: keys.insecure,
    userMetadata: Object.fromEntries(Object.entries(keys.put_user_metadata).filter(([key]) => key !== storageClassKey)),
    storageClass: storageClassKey === undefined ? '' : (keys.put_user_metadata[storageClassKey] ?? ''),
    trace: keys.trace.enable,
    listVersion: keys.list_objects_version === 'v1' ? 'v1' : 'v2',
    lookup: keys.bucket_lookup_type as S3Config['lookup'],
    sendContentMd5: keys.send_content_md5,
    multipart: !keys.disable_multipart,
    partBytes: keys.part_size === 0 ? partBytesUnset : keys.part_size,
    encryption,
    attemptsMax: keys.max_retries,
    http: {
      idleConnTimeoutMs: keys.http_config.idle_conn_timeout,
      responseHeaderTimeoutMs: keys.http_config.response_header_timeout,
      tlsHandshakeTimeoutMs: keys.http_config.tls_handshake_timeout,
      maxIdleConns: keys.http_config.max_idle_conns,
      maxIdleConnsPerHost: keys.http_config.max_idle_conns_per_host,
      maxConnsPerHost: keys.http_config.max_conns_per_host,
      insecureSkipVerify: keys.http_config.insecure_skip_verify || tls.insecure_skip_verify,
      serverName: tls.server_name,
      caFile: tls.ca_file,
      certFile: tls.cert_file,
      keyFile: tls.key_file,
    },
  };
}

function faultOf(keys: z.output<typeof s3Keys>): string | undefined {
  if (keys.endpoint === '') return 'no s3 endpoint in config file';
  if (keys.aws_sdk_auth && keys.access_key !== '')
    return 'aws_sdk_auth and access_key are mutually exclusive configurations';
  if (keys.access_key === '' && keys.secret_key !== '')
    return 'no s3 access_key specified while secret_key is present in config file; either both should be present in config or envvars/IAM should be used.';
  if (keys.access_key !== '' && keys.secret_key === '')
    return 'no s3 secret_key specified while access_key is present in config file; either both should be present in config or envvars/IAM should be used.';
  if (keys.bucket === '') return 'no s3 bucket in config file';
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(keys.bucket)) return 'bucket is not a valid S3 bucket name';
  if (!['', 'v1', 'v2'].includes(keys.list_objects_version))
    return `Unsupported version "${keys.list_objects_version}" was provided. Supported values are v1, v2`;
  if (!['auto', 'virtual-hosted', 'path'].includes(keys.bucket_lookup_type))
    return `unsupported bucket lookup type: ${keys.bucket_lookup_type}`;
  if (keys.part_size !== 0 && (keys.part_size < partBytesMin || keys.part_size > partBytesMax))
    return `part_size must be from ${partBytesMin} to ${partBytesMax} bytes`;
  if (keys.signature_version2) return 'signature_version2 is not supported: requests are signed with version 4 only';
  if (keys.sts_endpoint !== '')
    return 'sts_endpoint is not supported: web identities are exchanged at the STS endpoint of AWS_REGION';
  const { cert_file: cert, key_file: key } = keys.http_config.tls_config;
  if ((cert === '') !== (key === '')) return 'http_config.tls_config needs both cert_file and key_file, or neither';
  return undefined;
}

function encryptionFrom(sse: z.output<typeof sseKeys>): S3Encryption | string {
  switch (sse.type) {
    case '':
      return { type: 'none' };
    case 'SSE-S3':
      return { type: 'SSE-S3' };
    case 'SSE-KMS':
      if (sse.kms_key_id === '') return "kms_key_id must be set if sse_config.type is set to 'SSE-KMS'";
      return { type: 'SSE-KMS', keyId: sse.kms_key_id, context: sse.kms_encryption_context };
    case 'SSE-C':
      if (sse.encryption_key === '') return "encryption_key must be set if sse_config.type is set to 'SSE-C'";
      return { type: 'SSE-C', keyFile: sse.encryption_key };
    default:
      return `Unsupported type "${sse.type}" was provided. Supported types are SSE-S3, SSE-KMS, SSE-C`;
  }
}

function splitEndpoint(endpoint: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(endpoint);
  if (match === null) return undefined;
  const port = Number(match[3] ?? 0);
  return port > 65535 ? undefined : { host: match[1] ?? match[2] ?? '', port };
}

const unitMs: Record<string, number> = {
  ms: 1,
  s: secondMs,
  m: minuteMs,
  h: 60 * minuteMs,
  d: 24 * 60 * minuteMs,
  w: 7 * 24 * 60 * minuteMs,
  y: 365 * 24 * 60 * minuteMs,
};

function durationMs(value: string): number | undefined {
  if (value === '0') return 0;
  if (!/^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(value) || value === '') return undefined;
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+)(ms|[smhdwy])/g))
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  return total;
}
