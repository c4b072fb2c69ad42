import { type X509Certificate } from 'node:crypto';
import { type TLSSocket } from 'node:tls';

/** What a server asks of clients, in the words of web configuration files. */
export const clientAuths = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;
export type ClientAuth = (typeof clientAuths)[number];

/** What a client showed when it connected. */
export interface ShownCertificate {
  /** Whether it comes from an authority that we trust, and is valid today. */
  readonly trusted: boolean;
  /** Its alternative names: DNS names, addresses of mail and IP, URIs. */
  readonly names: readonly string[];
}

/** Why a client may not connect; undefined if it may. */
export function refusalOf(
  shown: ShownCertificate | undefined,
  { clientAuth, clientNamesAllowed }: { clientAuth: ClientAuth; clientNamesAllowed: readonly string[] },
): string | undefined {
  const required = clientAuth === 'RequireAnyClientCert' || clientAuth === 'RequireAndVerifyClientCert';
  const verified = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
  if (!shown && (required || clientNamesAllowed.length > 0)) return 'client shows no certificate';
  if (shown && verified && !shown.trusted) return 'certificate of client is not trusted';
  if (clientNamesAllowed.length > 0 && !shown?.names.some((name) => clientNamesAllowed.includes(name)))
    return 'certificate of client has none of the allowed names';
  return undefined;
}

export function shownBy(socket: TLSSocket): ShownCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && { trusted: socket.authorized, names: alternativeNamesOf(certificate) };
}

/** `DNS:a, IP Address:127.0.0.1, URI:spiffe://x/y` without its kinds. Node quotes names with odd characters as JSON. */
export function alternativeNamesOf({ subjectAltName = '' }: Pick<X509Certificate, 'subjectAltName'>): string[] {
  const entries = subjectAltName.matchAll(/(?:DNS|IP Address|URI|email):(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:, |$)/g);
  return [...entries].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : (JSON.parse(`"${quoted}"`) as string),
  );
}

/** The fields of a certificate's subject that can name a tenant. */
export const subjectFields = ['organization', 'organizationalUnit', 'commonName'] as const;
export type SubjectField = (typeof subjectFields)[number];

const subjectKeys = { organization: 'O', organizationalUnit: 'OU', commonName: 'CN' } as const;

/** The first value of a field of the certificate that the client of a connection showed. */
export function clientSubjectOf(
  socket: { getPeerCertificate?: TLSSocket['getPeerCertificate'] },
  field: SubjectField,
): { readonly hasCertificate: boolean; readonly value: string | undefined } {
  const certificate = socket.getPeerCertificate?.();
  // Without one it is an empty object, or null on a connection that is gone.
  const subject = certificate?.subject as Record<string, string | string[] | undefined> | undefined;
  if (!subject) return { hasCertificate: false, value: undefined };
  const values = subject[subjectKeys[field]];
  return { hasCertificate: true, value: Array.isArray(values) ? values[0] : values };
}
