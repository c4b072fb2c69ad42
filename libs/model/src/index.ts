export { canonicalLabels, compareCanonicalLabels, labelsOfCanonical, varintAt, varintEnd } from './canonical-labels.js';
export { areLabelsValid, compareLabels, compareUtf8, labelsOf, type Label, type Labels } from './labels.js';
export { staleMarkerBits } from './stale.js';
export {
  TenantNameError,
  isTenantValid,
  reservedPrefix,
  tenantBytesMax,
  tenantOfBytes,
  validateTenant,
  type TenantId,
} from './tenant.js';
export { createUlid, isUlid, parseUlid, ulidRandomBytes, ulidTimeMs, ulidTimeMsMax } from './ulid.js';
