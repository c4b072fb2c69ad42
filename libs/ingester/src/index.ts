export {
  startIngester,
  type IngesterConfig,
  type IngesterEnvironment,
  type RunningIngester,
} from './start-ingester.js';
export { Tenants, type OpenTenant, type TenantCounts, type TenantsOptions } from './tenants.js';
export { Tenant, type TenantState, type TenantStore, type TidiedTenant } from './tenant.js';
export { type Readiness } from './readiness.js';
export { WriteService, type TenantDatabases, type WriteServiceOptions } from './write-service.js';
export { WriteFailedError, judgeWrite, type TenantFailure } from './verdict.js';
export { DataDirectory, DataDirectoryError, type ProcessIdentity } from './data-directory.js';
