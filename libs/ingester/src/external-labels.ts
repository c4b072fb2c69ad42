/** The labels that name whose blocks these are: those of `--label`, with the tenant's own on top (spec/receive.md 7.10). */
export function tenantLabels(
  base: Readonly<Record<string, string>>,
  { tenantLabelName, tenant }: { tenantLabelName: string; tenant: string },
): Record<string, string> {
  return { ...base, [tenantLabelName]: tenant };
}
