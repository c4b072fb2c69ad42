import {
  checkServerTlsNames,
  TlsConfigError,
  type ClientTlsFiles,
  type ServerTlsFiles,
  type SubjectField,
  type TlsVersion,
} from '@gauntlet/tls';
import { ConfigError } from './external-labels.js';
import { type ParsedFlags } from './flags.js';

/**
 * The TLS of a listener, by the flags that begin with `prefix`: `-cert`, `-key` and so on. Undefined for plain text. Files are not looked at.
 * Throws `ConfigError`.
 */
export function serverTlsOf(flags: ParsedFlags, prefix: string): ServerTlsFiles | undefined {
  const text = (name: string): string => flags.text(`${prefix}-${name}`);
  const [certFile, keyFile, clientCaFile] = [text('cert'), text('key'), text('client-ca')];
  if (certFile === '' && keyFile === '') {
    if (clientCaFile === '') return undefined;
    throw new ConfigError(
      `Cannot use flag '--${prefix}-client-ca': when a client CA is used a server key and certificate must also be provided`,
    );
  }
  if (certFile === '' || keyFile === '') {
    throw new ConfigError(
      `Cannot use flag '--${prefix}-${certFile === '' ? 'key' : 'cert'}': both server key and certificate must be provided`,
    );
  }
  const files: ServerTlsFiles = {
    certFile,
    keyFile,
    ...(clientCaFile !== '' && { clientCaFile }),
    minVersion: text('min-version') as TlsVersion,
    ciphers: flags.list(`${prefix}-ciphers`),
    curves: flags.list(`${prefix}-curves`),
  };
  try {
    checkServerTlsNames(files);
  } catch (error) {
    if (error instanceof TlsConfigError) throw new ConfigError(`Cannot use TLS of '--${prefix}-*': ${error.message}`);
    throw error;
  }
  return files;
}

const peerTlsFlags = [
  'remote-write.client-tls-cert',
  'remote-write.client-tls-key',
  'remote-write.client-tls-ca',
  'remote-write.client-tls-skip-verify',
  'remote-write.client-tls-min-version',
  'remote-write.client-server-name',
];

/** The TLS to peers; undefined for plain text, in which Thanos talks unless told otherwise. Throws `ConfigError`. */
export function peerTlsOf(flags: ParsedFlags): {
  readonly tls: ClientTlsFiles | undefined;
  readonly warnings: string[];
} {
  if (!flags.bool('remote-write.client-tls-secure')) {
    const idle = peerTlsFlags.filter((name) => flags.given(name));
    const because = 'peers are called without TLS unless --remote-write.client-tls-secure is given';
    return { tls: undefined, warnings: idle.map((name) => `Flag '--${name}' has no effect: ${because}`) };
  }
  const [certFile, keyFile] = [flags.text('remote-write.client-tls-cert'), flags.text('remote-write.client-tls-key')];
  if ((certFile === '') !== (keyFile === '')) {
    throw new ConfigError(
      `Cannot use flag '--remote-write.client-tls-${certFile === '' ? 'key' : 'cert'}': both client key and certificate must be provided`,
    );
  }
  const [caFile, serverName] = [
    flags.text('remote-write.client-tls-ca'),
    flags.text('remote-write.client-server-name'),
  ];
  const tls: ClientTlsFiles = {
    ...(caFile !== '' && { caFile }),
    ...(certFile !== '' && { certFile, keyFile }),
    ...(serverName !== '' && { serverName }),
    skipVerify: flags.bool('remote-write.client-tls-skip-verify'),
    minVersion: flags.text('remote-write.client-tls-min-version') as TlsVersion,
  };
  return { tls, warnings: [] };
}

/** The field of a client's certificate that names its tenant. Throws `ConfigError` unless clients have to show one. */
export function tenantFieldOf(flags: ParsedFlags, writes: ServerTlsFiles | undefined): SubjectField | undefined {
  const field = flags.text('receive.tenant-certificate-field');
  if (field === '') return undefined;
  if (writes?.clientCaFile === undefined) {
    throw new ConfigError(
      "Cannot use flag '--receive.tenant-certificate-field': clients have to show a certificate for it, so give --remote-write.server-tls-cert, --remote-write.server-tls-key and --remote-write.server-tls-client-ca too",
    );
  }
  return field as SubjectField;
}
