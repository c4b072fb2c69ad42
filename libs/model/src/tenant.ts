import { OperationalError } from '@gauntlet/base';

declare const tenantId: unique symbol;
/** A tenant name that may become a directory. */
export type TenantId = string & { readonly [tenantId]: true };

/** What file systems allow for one name. */
export const tenantBytesMax = 255;

/** Names that mean something to the file system. */
const reserved: readonly string[] = ['', '.', '..', 'lost+found'];

export class TenantNameError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'TENANT_NAME_INVALID';

  constructor() {
    super('tenant name not valid'); // The words that clients of the reference know.
  }
}

export function isTenantValid(name: string): name is TenantId {
  return !reserved.includes(name) && !/[/\\\0]/.test(name) && Buffer.byteLength(name) <= tenantBytesMax;
}

/**
 * Admits a tenant name: one path element, from whatever door it came (spec/receive.md 2.5).
 * @throws TenantNameError
 */
export function validateTenant(name: string): TenantId {
  if (!isTenantValid(name)) throw new TenantNameError();
  return name;
}
