import { webcrypto } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  type GeneralNameType,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** PEM texts of a certificate and its key. */
export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestSubject {
  /** As `CN=a, O=b, O=c`. */
  readonly subject?: string;
  readonly names?: readonly { readonly type: GeneralNameType; readonly value: string }[];
  readonly notAfter?: Date;
}

/** An authority that only tests trust. */
export interface TestAuthority {
  /** Its own certificate, in PEM. */
  readonly cert: string;
  /** For `localhost` and 127.0.0.1 unless told otherwise. */
  issue(subject?: TestSubject): Promise<TestPair>;
}

let serial = 1;

export async function createTestAuthority(name = 'test authority'): Promise<TestAuthority> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const own = await X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${name}`,
    ...validity(),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new BasicConstraintsExtension(true, 2, true)],
  });
  return { cert: pemOf(own), issue: (subject) => issue(subject, { own, keys }) };
}

async function issue(
  { subject = 'CN=localhost', names = localNames, notAfter }: TestSubject = {},
  authority: { own: X509Certificate; keys: webcrypto.CryptoKeyPair },
): Promise<TestPair> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject,
    issuer: authority.own.subject,
    ...validity(notAfter),
    signingKey: authority.keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm,
    extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: pemOf(certificate), key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}

const localNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
] as const;

function validity(notAfter = new Date(Date.now() + 3_600_000)): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - 3_600_000), notAfter };
}

function nextSerial(): string {
  serial += 1;
  return serial.toString(16).padStart(4, '0');
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** Puts files into a directory as the kubelet mounts a secret: `name -> ..data/name`, and `..data` is a link that is swapped for all at once. */
export function mountSecret(directory: string, files: Readonly<Record<string, string>>): void {
  const version = `..${process.hrtime.bigint()}`;
  mkdirSync(join(directory, version), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, version, name), content);
    rmSync(join(directory, name), { force: true });
    symlinkSync(join('..data', name), join(directory, name));
  }
  symlinkSync(version, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
}
