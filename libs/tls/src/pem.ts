import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf } from '@gauntlet/base';
import { TlsConfigError } from './tls-errors.js';

/** The certificates of a PEM file, in order. Throws `TlsConfigError`, as for a file without any. @param name what the message calls the file */
export function certificatesOf(pem: Buffer, name: string): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new TlsConfigError(`${name}: there is no certificate in it`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new TlsConfigError(`${name}: a certificate cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  });
}

/** Throws `TlsConfigError` unless the options make a context: above all, unless a key belongs to its certificate. */
export function checkContext(options: SecureContextOptions, name: string): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new TlsConfigError(`${name}: ${reasonOf(error)}`, { cause: error });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'private key does not match the certificate',
  ERR_OSSL_X509_KEY_TYPE_MISMATCH: 'private key does not match the certificate',
  ERR_OSSL_PEM_NO_START_LINE: 'no certificate or key found in PEM',
  ERR_OSSL_PEM_BAD_END_LINE: 'PEM ends too early',
  ERR_OSSL_PEM_BAD_BASE64_DECODE: 'PEM is no base64',
  ERR_OSSL_BAD_DECRYPT: 'private key is encrypted',
  ERR_MISSING_PASSPHRASE: 'private key is encrypted',
};

/** OpenSSL's errors say where in its code, and never quote what it read. */
function reasonOf(error: unknown): string {
  return reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
}
