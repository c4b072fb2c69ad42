import { compileGlob } from './glob.js';

export type TenantMatcher = (tenant: string) => boolean;

export const matchesAll: TenantMatcher = () => true;

export function matchesExactly(tenants: readonly string[]): TenantMatcher {
  const names = new Set(tenants);
  return (tenant) => names.has(tenant);
}

/** @param onMalformed called with a pattern that is none; it matches nothing */
export function matchesPattern(patterns: readonly string[], onMalformed: (pattern: string) => void): TenantMatcher {
  const globs = patterns.flatMap((pattern) => {
    const glob = compileGlob(pattern);
    if (!glob) onMalformed(pattern);
    return glob ?? [];
  });
  return (tenant) => globs.some((matches) => matches(tenant));
}
