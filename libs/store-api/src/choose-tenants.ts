import { toInt64 } from '@gauntlet/base';
import { prepareMatchers, type LabelMatcher } from '@gauntlet/select';
import type { LabelRequest } from './read-requests.js';
import type { TenantReader } from './tenant-reader.js';

/** A tenant that may have something for a request. */
export interface ChosenTenant {
  readonly reader: TenantReader;
  /** What is left to ask of its stored labels. */
  readonly matchers: readonly LabelMatcher[];
}

/** Tenants by the times and labels that they announce (spec/store-api.md 5.1). */
export function chooseTenants(
  readers: readonly TenantReader[],
  { matchers, maxTimeMs }: Pick<LabelRequest, 'matchers' | 'maxTimeMs'>,
): ChosenTenant[] {
  const chosen: ChosenTenant[] = [];
  for (const reader of readers) {
    // What is announced has no end: nothing lies behind it.
    if (maxTimeMs < reader.minTimeMs) continue;
    const left = prepareMatchers(matchers, reader.externalLabels);
    if (left !== 'none') chosen.push({ reader, matchers: left });
  }
  return chosen;
}

/** Tenants take samples at any time. */
export const announcedMaxTimeMs = Infinity;

/** How Thanos names a tenant's store in its messages. */
export function storeName({ minTimeMs }: TenantReader): string {
  return `MinTime: ${toInt64(minTimeMs)} MaxTime: ${toInt64(announcedMaxTimeMs)}`;
}
