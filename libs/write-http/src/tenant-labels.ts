/** What tenants beyond the bound are called in metrics; the same word as in telemetry's tables. */
const otherTenants = '_other';

/** Tenants come from clients, and metrics keep a row for each: the first so many keep their names, the rest share one. */
export class TenantLabels {
  readonly #tenantsMax: number;
  readonly #known = new Set<string>();

  constructor(tenantsMax: number) {
    this.#tenantsMax = tenantsMax;
  }

  labelOf(tenant: string): string {
    if (this.#known.has(tenant)) return tenant;
    if (this.#known.size >= this.#tenantsMax) return otherTenants;
    this.#known.add(tenant);
    return tenant;
  }
}
