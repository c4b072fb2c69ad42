export { type Finding, type InvariantId, type Severity } from './finding.js';
export {
  verifyBlockDirectory,
  verifyDataDirectory,
  verifyTenant,
  type Summary,
  type VerifyOptions,
} from './verify-tenant.js';
