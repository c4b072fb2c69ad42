import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { isBcryptHash } from './basic-auth.js';
import { clientAuths, type ClientAuth } from './client-check.js';
import { certificatesOf, checkContext } from './pem.js';
import { type ReadFile } from './reloaded.js';
import { pairOf, readAuthorities, type ServerTls } from './server-tls.js';
import { opensslCiphers, opensslCurves, secureVersionOf, type TlsVersion } from './tls-names.js';
import { TlsConfigError } from './tls-errors.js';

/** What `--http.config` says, with the files that it names. */
export interface WebConfig {
  /** Undefined for plain HTTP. */
  readonly tls: ServerTls | undefined;
  /** Sent with each answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user. Everyone is let in if there are none. */
  readonly users: ReadonlyMap<string, string>;
}

/** Loads a web configuration file in the format of exporter-toolkit. Rejects with `TlsConfigError`, which names the key at fault. */
export async function loadWebConfig(path: string, read: ReadFile): Promise<WebConfig> {
  const document = parseWebConfig((await read(path)).toString('utf8'), path);
  return {
    tls: await loadTls(document.tls_server_config, dirname(path), read),
    headers: document.http_server_config.headers,
    users: new Map(Object.entries(document.basic_auth_users)),
  };
}

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const versionKey = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']);
const text = z.string().default('');

const tlsKeys = z
  .strictObject({
    cert: text,
    key: text,
    client_ca: text,
    cert_file: text,
    key_file: text,
    client_auth_type: text,
    client_ca_file: text,
    cipher_suites: z.array(z.string()).default([]),
    curve_preferences: z.array(z.string()).default([]),
    min_version: versionKey.default('TLS12'),
    max_version: versionKey.default('TLS13'),
    prefer_server_cipher_suites: flag.default(true),
    client_allowed_sans: z.array(z.string()).default([]),
  })
  .prefault({});

/** The headers that may be set, and the values that they may have where not any will do. */
const headerValues: Readonly<Record<string, readonly string[]>> = {
  'Strict-Transport-Security': [],
  'X-Content-Type-Options': ['nosniff'],
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-XSS-Protection': [],
  'Content-Security-Policy': [],
};

const documentKeys = z
  .strictObject({
    tls_server_config: tlsKeys,
    // HTTP/1.1 is served in any case; see secure-server.ts.
    http_server_config: z
      .strictObject({ http2: flag.default(true), headers: z.record(z.string(), z.string()).default({}) })
      .prefault({}),
    basic_auth_users: z.record(z.string(), z.string()).default({}),
  })
  .prefault({});

type TlsKeys = z.output<typeof tlsKeys>;

function parseWebConfig(content: string, path: string): z.output<typeof documentKeys> {
  const fail = (what: string): never => {
    throw new TlsConfigError(`parsing ${path}: ${what}`);
  };
  // All scalars stay text, as the keys know their types, and a password hash must not become a number.
  const yaml = parseDocument(content, { schema: 'failsafe' });
  const fault = yaml.errors[0];
  // The parser's own message quotes the line, which may hold a secret.
  if (fault)
    return fail(`yaml: line ${fault.linePos?.[0].line ?? 1}: ${fault.code.toLowerCase().replaceAll('_', ' ')}`);
  const result = documentKeys.safeParse(withoutNulls(valueOf(yaml, fail)));
  if (!result.success) return fail(describe(result.error));
  const { http_server_config: http, basic_auth_users: users } = result.data;
  for (const [name, value] of Object.entries(http.headers)) {
    const values = headerValues[name];
    if (!values) return fail(`http_server_config.headers: HTTP header ${JSON.stringify(name)} can not be configured`);
    if (values.length > 0 && !values.includes(value))
      return fail(`http_server_config.headers.${name}: must be one of ${values.join(', ')}`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      return fail(`http_server_config.headers.${name}: has a character that headers cannot carry`);
  }
  for (const [user, hash] of Object.entries(users))
    if (!isBcryptHash(hash)) return fail(`basic_auth_users.${user}: must be a bcrypt hash`);
  return result.data;
}

function valueOf(yaml: ReturnType<typeof parseDocument>, fail: (what: string) => never): unknown {
  try {
    return yaml.toJS({ maxAliasCount: 100 });
  } catch {
    return fail('yaml: an alias is unknown or expands too far');
  }
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') return `field ${[...path, issue.keys[0]].join('.')} not found`;
  const name = path.length === 0 ? 'document' : path.join('.');
  // Of values only those of enums are shown: they are names of ours.
  if (issue?.code === 'invalid_value') return `${name}: must be one of ${issue.values.map(String).join(', ')}`;
  if (issue?.code === 'invalid_type') return `${name}: must be a ${kinds[issue.expected] ?? issue.expected}`;
  return `${name}: is wrong`;
}

const kinds: Readonly<Record<string, string>> = { object: 'map', record: 'map', array: 'list', string: 'text' };

/** A key without a value means its default. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === '' || value === 'null' || value === '~') return undefined;
  if (Array.isArray(value) || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const kept = withoutNulls(member);
      return kept === undefined ? [] : [[key, kept] as const];
    }),
  );
}

const versions: Readonly<Record<z.output<typeof versionKey>, TlsVersion>> = {
  TLS10: '1.0',
  TLS11: '1.1',
  TLS12: '1.2',
  TLS13: '1.3',
};

async function loadTls(keys: TlsKeys, directory: string, read: ReadFile): Promise<ServerTls | undefined> {
  const isSet = [keys.cert_file, keys.cert, keys.key_file, keys.key, keys.client_ca_file, keys.client_ca];
  if (isSet.every((value) => value === '') && keys.client_auth_type === '') return undefined;
  const fail = (what: string): never => {
    throw new TlsConfigError(`tls_server_config: ${what}`);
  };
  if (keys.cert_file === '' && keys.cert === '') return fail('missing one of cert or cert_file');
  if (keys.key_file === '' && keys.key === '') return fail('missing one of key or key_file');
  const clientAuth =
    clientAuthOf(keys.client_auth_type) ?? fail(`invalid client_auth_type: must be one of ${clientAuths.join(', ')}`);
  const content = async (inline: string, file: string, key: string): Promise<Buffer> =>
    file === '' ? Buffer.from(inline) : await readKey(resolve(directory, file), key, read);
  const pair = pairOf(
    {
      cert: await content(keys.cert, keys.cert_file, 'cert_file'),
      key: await content(keys.key, keys.key_file, 'key_file'),
    },
    'tls_server_config',
  );
  const ca = await authoritiesOf(keys, directory, read);
  if (ca && clientAuth === 'NoClientCert') return fail("client CA's have been configured without a client_auth_type");
  const [minVersion, maxVersion] = [versions[keys.min_version], versions[keys.max_version]];
  if (minVersion > maxVersion) return fail('min_version: must be at most max_version');
  const curves = opensslCurves(keys.curve_preferences);
  const context = {
    cert: pair.cert,
    key: pair.key,
    ...(ca && { ca }),
    minVersion: secureVersionOf(minVersion),
    maxVersion: secureVersionOf(maxVersion),
    ciphers: opensslCiphers(keys.cipher_suites, minVersion),
    honorCipherOrder: keys.prefer_server_cipher_suites,
    ...(curves !== undefined && { ecdhCurve: curves }),
  };
  checkContext(context, 'tls_server_config');
  return { context, clientAuth, clientNamesAllowed: keys.client_allowed_sans, notAfterMs: pair.notAfterMs };
}

function clientAuthOf(name: string): ClientAuth | undefined {
  if (name === '') return 'NoClientCert';
  if (name === 'RequireClientCert') return 'RequireAnyClientCert'; // Its name of before.
  return clientAuths.find((known) => known === name);
}

async function authoritiesOf(keys: TlsKeys, directory: string, read: ReadFile): Promise<Buffer | undefined> {
  if (keys.client_ca_file !== '')
    return readAuthorities(resolve(directory, keys.client_ca_file), 'tls_server_config: client_ca_file', read);
  if (keys.client_ca === '') return undefined;
  certificatesOf(Buffer.from(keys.client_ca), 'tls_server_config: client_ca');
  return Buffer.from(keys.client_ca);
}

async function readKey(path: string, key: string, read: ReadFile): Promise<Buffer> {
  try {
    return await read(path);
  } catch (error) {
    if (!(error instanceof TlsConfigError)) throw error;
    throw new TlsConfigError(`tls_server_config: ${key}: ${error.message}`, { cause: error });
  }
}
