import { type SecureContextOptions } from 'node:tls';
import { type ClientAuth } from './client-check.js';
import { certificatesOf, checkContext } from './pem.js';
import { loadAndWatch, type ReadFile, type Reloaded, type ReloadOptions } from './reloaded.js';
import { opensslCiphers, opensslCurves, secureVersionOf, type TlsVersion } from './tls-names.js';
import { TlsConfigError } from './tls-errors.js';

/** Where a server's certificate is, and what it asks of clients, as the flags say it. */
export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** With it clients must have a certificate of one of these authorities. */
  readonly clientCaFile?: string;
  readonly minVersion: TlsVersion;
  /** Names of Go. None for its defaults. */
  readonly ciphers: readonly string[];
  readonly curves: readonly string[];
}

/** What a server needs for its next connection. */
export interface ServerTls {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuth;
  /** Of these names a client's certificate must have one; any will do if there are none. */
  readonly clientNamesAllowed: readonly string[];
  /** When the certificate ends, in Unix milliseconds. */
  readonly notAfterMs: number;
}

/** Throws `TlsConfigError` for names that we do not know. Reads no files. */
export function checkServerTlsNames({ ciphers, curves, minVersion }: ServerTlsFiles): void {
  opensslCiphers(ciphers, minVersion);
  opensslCurves(curves);
}

/** Rejects with `TlsConfigError` when the files are not good at the start; later they only have to become good again. */
export function openServerTls(files: ServerTlsFiles, options: ReloadOptions): Promise<Reloaded<ServerTls>> {
  return loadAndWatch((read) => loadServerTls(files, read), options);
}

async function loadServerTls(files: ServerTlsFiles, read: ReadFile): Promise<ServerTls> {
  const { certFile, keyFile, clientCaFile, minVersion, ciphers, curves } = files;
  const pair = await readPair({ certFile, keyFile, name: 'server credentials' }, read);
  const ca = clientCaFile === undefined ? undefined : await readAuthorities(clientCaFile, 'reading client CA', read);
  const curveList = opensslCurves(curves);
  const context: SecureContextOptions = {
    cert: pair.cert,
    key: pair.key,
    ...(ca && { ca }),
    minVersion: secureVersionOf(minVersion),
    ciphers: opensslCiphers(ciphers, minVersion),
    ...(curveList !== undefined && { ecdhCurve: curveList }),
  };
  checkContext(context, 'server credentials');
  return {
    context,
    clientAuth: ca ? 'RequireAndVerifyClientCert' : 'NoClientCert',
    clientNamesAllowed: [],
    notAfterMs: pair.notAfterMs,
  };
}

/** A certificate, with its chain, and its key. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly notAfterMs: number;
}

/** Rejects with `TlsConfigError` if a file is missing or holds no PEM, or the key belongs to another certificate. */
export async function readPair(
  { certFile, keyFile, name }: { certFile: string; keyFile: string; name: string },
  read: ReadFile,
): Promise<KeyPair> {
  return pairOf({ cert: await readFor(certFile, name, read), key: await readFor(keyFile, name, read) }, name);
}

/** Throws `TlsConfigError` as `readPair` does. */
export function pairOf({ cert, key }: Pick<KeyPair, 'cert' | 'key'>, name: string): KeyPair {
  const [leaf] = certificatesOf(cert, name);
  checkContext({ cert, key }, name);
  return { cert, key, notAfterMs: Date.parse(leaf?.validTo ?? '') };
}

/** Rejects with `TlsConfigError` if the file has no certificate. */
export async function readAuthorities(file: string, doing: string, read: ReadFile): Promise<Buffer> {
  const pem = await readFor(file, doing, read);
  certificatesOf(pem, `${doing}: ${file}`);
  return pem;
}

async function readFor(file: string, doing: string, read: ReadFile): Promise<Buffer> {
  try {
    return await read(file);
  } catch (error) {
    if (!(error instanceof TlsConfigError)) throw error;
    throw new TlsConfigError(`${doing}: ${error.message}`, { cause: error });
  }
}
