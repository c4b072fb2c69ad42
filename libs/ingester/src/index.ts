export {
  startIngester,
  type IngesterConfig,
  type IngesterEnvironment,
  type RunningIngester,
} from './start-ingester.js';
export { Tenants, type Tenant, type TenantsOptions, type TenantStore } from './tenants.js';
export { WriteService, type TenantDatabases, type WriteServiceOptions } from './write-service.js';
export { WriteFailedError, judgeWrite, type TenantFailure } from './verdict.js';
export { DataDirectory, DataDirectoryError, type ProcessIdentity } from './data-directory.js';
