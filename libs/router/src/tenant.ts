import { TenantNameError, validateTenant, type TenantId } from '@gauntlet/model';

/** The header that is asked when the configured one is absent. */
export const tenantHeaderDefault = 'THANOS-TENANT';

/** Reads UTF-8; anything else would come out as another tenant. */
export function tenantOfBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw error instanceof TypeError ? new TenantNameError() : error;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Whose write it is (spec/receive.md 2.5): the first value of the configured header, else of THANOS-TENANT, else the default.
 * @throws TenantNameError
 */
export function resolveTenant(
  headers: NodeJS.Dict<string[]>,
  { header, defaultTenant }: { readonly header: string; readonly defaultTenant: string },
): TenantId {
  const named = headers[header.toLowerCase()]?.[0] || headers[tenantHeaderDefault.toLowerCase()]?.[0];
  // Node reads headers as latin1.
  return validateTenant(named ? tenantOfBytes(Buffer.from(named, 'latin1')) : defaultTenant);
}
