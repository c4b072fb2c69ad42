import { createSecureContext, type SecureVersion } from 'node:tls';
import { TlsConfigError } from './tls-errors.js';

/** As the flags have it. */
export type TlsVersion = '1.0' | '1.1' | '1.2' | '1.3';
export const tlsVersions: readonly TlsVersion[] = ['1.0', '1.1', '1.2', '1.3'];

const secureVersions: Readonly<Record<TlsVersion, SecureVersion>> = {
  '1.0': 'TLSv1',
  '1.1': 'TLSv1.1',
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

export function secureVersionOf(version: TlsVersion): SecureVersion {
  return secureVersions[version];
}

/** The suites that Go holds for secure, by their names there, as OpenSSL calls them. */
const suites: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
};

/** Those of TLS 1.3 are always on, as in Go: they may be named, which changes nothing. */
const suitesOfTls13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

export const cipherSuiteNames: readonly string[] = [...Object.keys(suites), ...suitesOfTls13].sort();

/**
 * OpenSSL's list for Go's names. No names stand for all of Go's, so that a client which reaches Thanos reaches us. Throws `TlsConfigError`.
 */
export function opensslCiphers(names: readonly string[], minVersion: TlsVersion): string {
  const unknown = names.find((name) => !cipherSuiteNames.includes(name));
  if (unknown !== undefined)
    throw new TlsConfigError(`invalid cipher suite: ${unknown}, valid values are ${cipherSuiteNames.join(', ')}`);
  const chosen = names.length === 0 ? Object.keys(suites) : names;
  const old = chosen.flatMap((name) => suites[name] ?? []);
  // OpenSSL keeps TLS 1.0 and 1.1 off, whatever the versions say, unless the list allows their SHA-1 signatures.
  const level = minVersion === '1.0' || minVersion === '1.1' ? ['@SECLEVEL=0'] : [];
  return [...suitesOfTls13, ...old, ...level].join(':');
}

const curves: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
  X25519MLKEM768: 'X25519MLKEM768',
  SecP256r1MLKEM768: 'SecP256r1MLKEM768',
  SecP384r1MLKEM1024: 'SecP384r1MLKEM1024',
};

let available: readonly string[] | undefined;

/** Those that this build of OpenSSL has: the ones with ML-KEM came with 3.5. */
export function curveNames(): readonly string[] {
  available ??= Object.keys(curves)
    .filter((name) => {
      try {
        createSecureContext({ ecdhCurve: curves[name] });
        return true;
      } catch {
        return false;
      }
    })
    .sort();
  return available;
}

/** OpenSSL's list for Go's names; undefined for its own choice. Throws `TlsConfigError`. */
export function opensslCurves(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !curveNames().includes(name));
  if (unknown !== undefined)
    throw new TlsConfigError(`invalid curve: ${unknown}, valid values are ${curveNames().join(', ')}`);
  return names.length === 0 ? undefined : names.map((name) => curves[name]).join(':');
}
