import { OperationalError } from '@gauntlet/base';

declare const tenantId: unique symbol;
/** A tenant name that may become a directory. */
export type TenantId = string & { readonly [tenantId]: true };

/** What file systems allow for one name. */
export const tenantBytesMax = 255;

/** Files of an ingester that lie beside the tenants' directories begin with this; no tenant may. */
export const reservedPrefix = '.gauntlet-';

/** Names that mean something to the file system. */
const reserved: readonly string[] = ['', '.', '..', 'lost+found'];

export class TenantNameError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'TENANT_NAME_INVALID';
  /** The name as it came; undefined when its bytes are no UTF-8. */
  readonly tenant: string | undefined;

  constructor(tenant: string | undefined) {
    super('tenant name not valid'); // The words that clients of the reference know.
    this.tenant = tenant;
  }
}

export function isTenantValid(name: string): name is TenantId {
  return (
    !reserved.includes(name) &&
    !name.startsWith(reservedPrefix) &&
    !/[/\\\0]/.test(name) &&
    Buffer.byteLength(name) <= tenantBytesMax
  );
}

/**
 * Admits a tenant name: one path element, from whatever door it came (spec/receive.md 2.5).
 * @throws TenantNameError
 */
export function validateTenant(name: string): TenantId {
  if (!isTenantValid(name)) throw new TenantNameError(name);
  return name;
}

// A byte order mark is part of a name: without `ignoreBOM` it would vanish, and the name with it would be another tenant's.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Admits a tenant name as it came over a wire. Bytes that are no UTF-8 would come out as another tenant.
 * @throws TenantNameError
 */
export function tenantOfBytes(bytes: Uint8Array): TenantId {
  let name: string;
  try {
    name = utf8.decode(bytes);
  } catch {
    throw new TenantNameError(undefined);
  }
  return validateTenant(name);
}
