export { type Finding, type InvariantId, type Severity } from './finding.js';
export {
  verifyBlockDirectory,
  verifyDataDirectory,
  verifyTenant,
  type Summary,
  type VerifyOptions,
} from './verify-tenant.js';
export { classifyDirectory, verifyPath, type DirectoryKind } from './verify-path.js';
export { tsdbCommand } from './tsdb-command.js';
