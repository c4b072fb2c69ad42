import { tenantOfBytes, validateTenant, type TenantId } from '@gauntlet/model';
import { clientSubjectOf, type SubjectField } from '@gauntlet/tls';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { RequestRefusedError } from './errors.js';

/** The header that is asked when the configured one is absent. */
export const tenantHeaderDefault = 'THANOS-TENANT';

/** Fields of a client certificate that may name the tenant. */
export type CertificateField = SubjectField;

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
  // Plain sockets have verified nobody, and a server that takes any certificate has not, either.
  const client = socket as Partial<TLSSocket>;
  const { authorized = false } = client;
  const { hasCertificate, value } = clientSubjectOf(client as Pick<typeof client, 'getPeerCertificate'>, field);
  if (!authorized || !hasCertificate) throw missing('could not get required certificate field from client cert');
  if (!value) throw missing(`could not get ${field} field from client cert`);
  return value;
}

function missing(message: string): RequestRefusedError {
  return new RequestRefusedError('CERTIFICATE_FIELD_MISSING', message);
}
