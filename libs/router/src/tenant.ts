import { tenantOfBytes, validateTenant, type TenantId } from '@gauntlet/model';

/** The header that is asked when the configured one is absent. */
export const tenantHeaderDefault = 'THANOS-TENANT';

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
  return named ? tenantOfBytes(Buffer.from(named, 'latin1')) : validateTenant(defaultTenant);
}
