import { labelsOf } from '@gauntlet/model';
import type { TenantReader, TenantReaders } from '@gauntlet/store-api';
import { tenantLabels } from './external-labels.js';
import type { ReadableTenant, Tenant } from './tenant.js';

export interface TenantReadersOptions {
  readonly tenants: { known(): Iterable<Tenant> };
  /** External labels, without the tenant's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tenantLabelName: string;
  /** Whether every tenant that was there at the start has been found. */
  readonly isReady: () => boolean;
}

/** The tenants of an ingester as StoreAPI sees them: all that have a directory, open or not. */
export function tenantReaders({ tenants, labels, tenantLabelName, isReady }: TenantReadersOptions): TenantReaders {
  return {
    get isReady() {
      return isReady();
    },
    all: () => {
      const readers: TenantReader[] = [];
      for (const tenant of tenants.known()) {
        const externalLabels = labelsOf(tenantLabels(labels, { tenantLabelName, tenant: tenant.name }));
        readers.push(readerOf(tenant.name, externalLabels, tenant.readable, tenant.failure));
      }
      return readers;
    },
  };
}

function readerOf(
  tenant: string,
  externalLabels: TenantReader['externalLabels'],
  { store, blocks, database }: ReadableTenant,
  failure: string | undefined,
): TenantReader {
  // A head that is being filled belongs to the replay alone.
  const head = database?.state === 'open' ? database.head : undefined;
  const incompleteFromMs = database?.incompleteFromMs ?? Infinity;
  const warnings: string[] = [];
  if (incompleteFromMs < Infinity)
    warnings.push(`tenant ${tenant}: the log is being replayed, samples from ${incompleteFromMs} on may be missing`);
  else if (failure !== undefined && head === undefined)
    warnings.push(
      `tenant ${tenant}: the database cannot be opened, samples that are in no block are missing: ${failure}`,
    );
  // Nobody asks for times before the first one: a tenant whose log is still to be read may have any.
  const headMinMs =
    warnings.length > 0 ? -Infinity : head === undefined || head.seriesCount === 0 ? Infinity : head.minTimeMs;
  return {
    tenant,
    externalLabels,
    // What comes late may be older than all the rest.
    minTimeMs: Math.min(blocks[0]?.minTime ?? headMinMs, head?.outOfOrder.minTimeMs ?? Infinity),
    warnings,
    store,
    exemplars: async (query) => (head === undefined ? [] : head.selectExemplars(query)),
    statistics: async (limit, pace) =>
      head === undefined ? nothing : { ...(await head.statistics(limit, pace)), chunkCount: head.chunkCount },
  };
}

const nothing = {
  seriesCount: 0,
  labelPairCount: 0,
  chunkCount: 0,
  minTimeMs: Infinity,
  maxTimeMs: -Infinity,
  seriesByMetric: [],
  valuesByName: [],
  bytesByName: [],
  seriesByPair: [],
};
