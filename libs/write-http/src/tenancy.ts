import { tenantOfBytes, validateTenant, type TenantId } from '@gauntlet/model';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { RequestRefusedError } from './errors.js';

/** The header that is asked when the configured one is absent. */
export const tenantHeaderDefault = 'THANOS-TENANT';

/** Fields of a client certificate that may name the tenant. */
export type CertificateField = 'organization' | 'organizationalUnit' | 'commonName';

const subjectNames = { organization: 'O', organizationalUnit: 'OU', commonName: 'CN' } as const;

export interface Tenancy {
  readonly tenantHeader: string;
  readonly defaultTenant: string;
  /** Names the tenant instead of any header. Only certificates that the server has verified count. */
  readonly certificateField?: CertificateField | undefined;
}

/**
 * Whose write it is (spec/receive.md 2.5): the first value of the configured header, else of THANOS-TENANT, else the default; or the first
 * value of a field of the client's certificate, and then no header is looked at.
 * @throws TenantNameError, RequestRefusedError CERTIFICATE_FIELD_MISSING
 */
export function resolveTenant(
  request: Pick<IncomingMessage, 'headersDistinct' | 'socket'>,
  { tenantHeader, defaultTenant, certificateField }: Tenancy,
): TenantId {
  if (certificateField !== undefined) return validateTenant(tenantOfCertificate(request.socket, certificateField));
  const headers = request.headersDistinct;
  const named = headers[tenantHeader.toLowerCase()]?.[0] || headers[tenantHeaderDefault.toLowerCase()]?.[0];
  // Node reads headers as latin1.
  return named ? tenantOfBytes(Buffer.from(named, 'latin1')) : validateTenant(defaultTenant);
}

function tenantOfCertificate(socket: IncomingMessage['socket'], field: CertificateField): string {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>;
  // Plain sockets have neither, and a server that asks for no certificate has verified none.
  const subject = authorized && getPeerCertificate ? getPeerCertificate.call(socket)?.subject : undefined;
  if (!subject) throw missing('could not get required certificate field from client cert');
  const values = subject[subjectNames[field]] as string | readonly string[] | undefined;
  const value = typeof values === 'object' ? values[0] : values;
  if (!value) throw missing(`could not get ${field} field from client cert`);
  return value;
}

function missing(message: string): RequestRefusedError {
  return new RequestRefusedError('CERTIFICATE_FIELD_MISSING', message);
}
