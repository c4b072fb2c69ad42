import { readFile } from 'node:fs/promises';
import { rootCertificates, type SecureContextOptions } from 'node:tls';
import { checkContext } from './pem.js';
import { loadAndWatch, type ReadFile, type Reloaded, type ReloadOptions } from './reloaded.js';
import { readAuthorities, readPair } from './server-tls.js';
import { opensslCiphers, secureVersionOf, type TlsVersion } from './tls-names.js';

/** What a client trusts and shows, as the flags say it. */
export interface ClientTlsFiles {
  /** Authorities to trust; those of the system without it. */
  readonly caFile?: string;
  /** With it and a key the client shows a certificate. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Asked for, and looked for in the server's certificate, in place of the host it connects to. */
  readonly serverName?: string;
  /** Connects to whoever answers. */
  readonly skipVerify: boolean;
  readonly minVersion: TlsVersion;
}

/** What a client needs for its next connection. */
export interface ClientTls {
  readonly context: SecureContextOptions;
  readonly serverName: string | undefined;
  readonly skipVerify: boolean;
  /** When the certificate that it shows ends, in Unix milliseconds. */
  readonly notAfterMs: number | undefined;
}

/** Rejects with `TlsConfigError` when the files are not good at the start; later they only have to become good again. */
export function openClientTls(files: ClientTlsFiles, options: ReloadOptions): Promise<Reloaded<ClientTls>> {
  return loadAndWatch((read) => loadClientTls(files, read), options);
}

async function loadClientTls(files: ClientTlsFiles, read: ReadFile): Promise<ClientTls> {
  const { caFile, certFile, keyFile, serverName, skipVerify, minVersion } = files;
  const ca =
    caFile === undefined ? await systemAuthorities() : [await readAuthorities(caFile, 'reading client CA', read)];
  const pair =
    certFile === undefined || keyFile === undefined
      ? undefined
      : await readPair({ certFile, keyFile, name: 'client credentials' }, read);
  const context: SecureContextOptions = {
    ca,
    ...(pair && { cert: pair.cert, key: pair.key }),
    minVersion: secureVersionOf(minVersion),
    ciphers: opensslCiphers([], minVersion),
  };
  checkContext(context, 'client credentials');
  return { context, serverName, skipVerify, notAfterMs: pair?.notAfterMs };
}

/** Where systems keep the authorities that they trust; Node has a list of its own, which knows none that an operator added. */
const systemFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

async function systemAuthorities(): Promise<(string | Buffer)[]> {
  for (const path of [process.env['SSL_CERT_FILE'] ?? '', ...systemFiles]) {
    const pem = path === '' ? undefined : await readFile(path).catch(() => undefined);
    if (pem && pem.length > 0) return [pem];
  }
  return [...rootCertificates];
}
