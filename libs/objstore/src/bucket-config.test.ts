import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBucketConfig } from './index.js';

const examples = join(__dirname, '../testdata/examples');
const s3 = (more: string): string =>
  `type: S3\nconfig:\n  bucket: bbb\n  endpoint: host:9000\n${more
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')}`;

test.each(readdirSync(examples).filter((name) => !name.startsWith('wrong')))('takes the example %s', (name) => {
  expect(['S3', 'FILESYSTEM']).toContain(parseBucketConfig(readFileSync(join(examples, name), 'utf8')).type);
});

test('refuses a URL as the endpoint, naming the key and no secret', () => {
  const text = readFileSync(join(examples, 'wrong-url-endpoint.yml'), 'utf8');
  expect(() => parseBucketConfig(text)).toThrow(/^create S3 client: endpoint must be host or host:port/);
  expect(() => parseBucketConfig(text)).not.toThrow(/example-secret/);
});

test.each([
  ['type: FOO', 'bucket with type FOO is not supported'],
  ['type: GCS', 'bucket with type GCS is not supported'],
  ['type: FILESYSTEM\nconfig: {}', 'create FILESYSTEM client: missing directory for filesystem bucket'],
  ['type: [', 'parsing config YAML file: yaml: line 1: did not find expected node content'],
  ['type: FILESYSTEM\nnope: 1', 'parsing config YAML file: field nope not found'],
  ['type: S3\nconfig: {bucket: bbb}', 'create S3 client: no s3 endpoint in config file'],
  [s3('nope: 1'), 'create S3 client: parsing s3 config: field nope not found'],
  [s3('http_config: {nope: 1}'), 'create S3 client: parsing s3 config: field http_config.nope not found'],
  [s3('insecure: maybe'), 'create S3 client: parsing s3 config: field insecure is not a boolean'],
  [
    s3('aws_sdk_auth: true\naccess_key: a'),
    'create S3 client: aws_sdk_auth and access_key are mutually exclusive configurations',
  ],
  [
    s3('sse_config: {type: SSE-C}'),
    "create S3 client: encryption_key must be set if sse_config.type is set to 'SSE-C'",
  ],
  [
    s3('sse_config: {type: SSE-KMS}'),
    "create S3 client: kms_key_id must be set if sse_config.type is set to 'SSE-KMS'",
  ],
  [
    s3('sse_config: {type: x}'),
    'create S3 client: Unsupported type "x" was provided. Supported types are SSE-S3, SSE-KMS, SSE-C',
  ],
  [
    s3('list_objects_version: v3'),
    'create S3 client: Unsupported version "v3" was provided. Supported values are v1, v2',
  ],
  [s3('bucket_lookup_type: x'), 'create S3 client: unsupported bucket lookup type: x'],
  [
    s3('signature_version2: true'),
    'create S3 client: signature_version2 is not supported: requests are signed with version 4 only',
  ],
])('refuses %j', (text, message) => {
  expect(() => parseBucketConfig(text)).toThrow(new Error(message));
});

test('an unknown key of a FILESYSTEM bucket is let pass, and the type is taken in any case', () => {
  expect(parseBucketConfig('type: filesystem\nconfig:\n  directory: /tmp\n  nope: 1')).toEqual({
    type: 'FILESYSTEM',
    prefix: '',
    directory: '/tmp',
  });
});

test('a key of digits keeps its zeros, and defaults are those of Thanos', () => {
  const config = parseBucketConfig(s3('access_key: 007\nsecret_key: 1e3\nhttp_config: {idle_conn_timeout: 1m30s}'));
  expect(config).toMatchObject({
    s3: {
      accessKey: '007',
      secretKey: '1e3',
      partBytes: 67108864,
      sendContentMd5: true,
      host: 'host',
      port: 9000,
      http: { idleConnTimeoutMs: 90_000, responseHeaderTimeoutMs: 120_000 },
    },
  });
});
