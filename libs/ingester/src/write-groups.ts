import { messageOf, OperationalError } from '@gauntlet/base';
import { readGroup, readRowLabels, rowBytes, rowField, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';
import { TenantNameError, tenantOfBytes } from '@gauntlet/model';
import { offendersMax, RejectionList, type Offender } from '@gauntlet/remote-write';
import type { Tsdb } from '@gauntlet/tsdb';
import { noItems, type ItemCounts } from '@gauntlet/write-http';
import { isAnyStorable, refuseGroup } from './refuse-group.js';
import { WriteFailedError, type TenantFailure } from './verdict.js';

/** Where a write finds the databases. */
export interface TenantDatabases {
  /** The database of a tenant that is open now. */
  get(tenant: string): Tsdb | undefined;
  /** Opens or creates it; callers that ask at the same time share one opening. */
  open(tenant: string): Promise<Tsdb>;
  /** Whether they keep exemplars. */
  readonly keepsExemplars: boolean;
  /** False once the ingester is stopping. */
  readonly ready: boolean;
}

/** What became of one tenant's part of a request. */
export interface GroupOutcome {
  readonly tenant: string;
  /** Why nothing of it is known to be stored; it may have rejections all the same. */
  readonly failure?: TenantFailure;
  readonly rejections: RejectionList;
  /** The first series of which something was refused. */
  readonly offenders: readonly Offender[];
  /** Only when they were asked for. */
  readonly counts?: GroupCounts;
}

export interface GroupCounts {
  /** What the request held. */
  readonly series: number;
  readonly samples: number;
  /** What is durable, those items included that were there already. */
  readonly written: ItemCounts;
}

interface TenantGroup {
  readonly tenant: string;
  readonly index: number;
}

/** Numbers of a group as it was scanned. */
interface HeldCounts {
  readonly series: number;
  readonly samples: number;
  /** In series whose labels are good. */
  readonly good: ItemCounts;
}

/**
 * Appends each tenant's part of a request to its database. Resolves once all of it is durable, or has failed: everything that can be stored is, whatever else of the
 * request is refused (spec/receive.md 6.1).
 * @param scan gives the request, which the next scan of anybody may overwrite: it is called again after each wait
 * @param appended called when the request is not needed any more
 */
export async function writeGroups(
  scan: () => ScannedBatch,
  databases: Pick<TenantDatabases, 'get' | 'open' | 'keepsExemplars'>,
  { withCounts = false, appended = () => {} }: { readonly withCounts?: boolean; readonly appended?: () => void } = {},
): Promise<GroupOutcome[]> {
  const unopened = new Map<string, TenantFailure>();
  for (;;) {
    const batch = scan();
    const { groups, invalid } = tenantGroups(batch);
    const wanted = groups.filter(
      ({ tenant, index }) =>
        !unopened.has(tenant) && databases.get(tenant) === undefined && isAnyStorable(batch, index),
    );
    const closed = new Set(wanted.map(({ tenant }) => tenant));
    if (closed.size === 0) {
      // All of them append in this turn: the batch does not outlast it.
      const outcomes = groups.map((group) => {
        const held = withCounts ? countGroup(batch, group.index) : undefined;
        const failure = unopened.get(group.tenant);
        if (failure !== undefined) return Promise.resolve(failed(group.tenant, failure, held));
        const { keepsExemplars } = databases;
        return append(batch, group, { database: databases.get(group.tenant), held, keepsExemplars });
      });
      appended();
      return [...invalid.map(refusedName), ...(await Promise.all(outcomes))];
    }
    // Opening takes its time, and the next request's scan overwrites this batch: look at the message again afterwards.
    await Promise.all(
      [...closed].map((tenant) =>
        databases.open(tenant).catch((error: unknown) => unopened.set(tenant, failureOf(tenant, error))),
      ),
    );
  }
}

/** Appends before it returns; resolves when what was accepted is durable. */
async function append(
  batch: ScannedBatch,
  { tenant, index }: TenantGroup,
  {
    database,
    held,
    keepsExemplars,
  }: { readonly database: Tsdb | undefined; readonly held: HeldCounts | undefined; readonly keepsExemplars: boolean },
): Promise<GroupOutcome> {
  let result: Pick<ReturnType<Tsdb['append']>, 'rejections' | 'exemplarsAccepted' | 'committed'>;
  let offenders: Offender[];
  try {
    // A tenant that is closed here has nothing to store: bad input makes no directory.
    result = database?.append(batch, index) ?? refuseGroup(batch, index, { keepsExemplars });
    offenders = result.rejections.length > 0 ? offendersOf(batch, tenant, result.rejections) : [];
  } catch (error) {
    return failed(tenant, failureOf(tenant, error), held);
  }
  const { rejections, exemplarsAccepted, committed } = result;
  try {
    await committed;
  } catch (error) {
    // A failed log outweighs a conflict: the samples that were accepted are worth another try.
    return { ...failed(tenant, failureOf(tenant, error), held), rejections, offenders };
  }
  const outcome = { tenant, rejections, offenders };
  return held === undefined ? outcome : { ...outcome, counts: countsOf(held, rejections, exemplarsAccepted) };
}

function failed(tenant: string, failure: TenantFailure, held: HeldCounts | undefined): GroupOutcome {
  const outcome = { tenant, failure, rejections: new RejectionList(), offenders: [] };
  if (held === undefined) return outcome;
  return { ...outcome, counts: { series: held.series, samples: held.samples, written: noItems } };
}

function refusedName(tenant: string): GroupOutcome {
  return failed(tenant, { tenant, kind: 'rejected', reason: 'tenant name not valid' }, undefined);
}

function countsOf(
  { series, samples, good }: HeldCounts,
  rejections: RejectionList,
  exemplarsAccepted: number,
): GroupCounts {
  const refused = { sample: 0, histogram: 0 };
  for (const { item, count } of rejections) if (item === 'sample' || item === 'histogram') refused[item] += count;
  const written = {
    samples: good.samples - refused.sample,
    histograms: good.histograms - refused.histogram,
    exemplars: exemplarsAccepted,
  };
  return { series, samples, written };
}

function countGroup(batch: ScannedBatch, group: number): HeldCounts {
  const { firstRow, rowCount } = readGroup(batch, group);
  const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset + firstRow * rowBytes, rowCount * rowBytes);
  const good = { ...noItems };
  let samples = 0;
  for (let at = 0; at < rows.byteLength; at += rowBytes) {
    const count = rows.getUint32(at + rowField.sampleCount, true);
    samples += count;
    if (rows.getUint8(at + rowField.verdict) !== RowVerdict.ok) continue;
    good.samples += count;
    good.histograms += rows.getUint32(at + rowField.histogramCount, true);
    good.exemplars += rows.getUint32(at + rowField.exemplarCount, true);
  }
  return { series: rowCount, samples, good };
}

/** The first series of which something was refused, with the first that was. */
function offendersOf(batch: ScannedBatch, tenant: string, rejections: RejectionList): Offender[] {
  const offenders = new Map<number, Offender>();
  for (const rejection of rejections) {
    if (offenders.has(rejection.series)) continue;
    offenders.set(rejection.series, { tenant, labels: readRowLabels(batch, rejection.series), rejection });
    if (offenders.size === offendersMax) break;
  }
  return [...offenders.values()];
}

/** The tenants of a request that have series, and the names among them that cannot be a tenant's. */
function tenantGroups(batch: ScannedBatch): { groups: TenantGroup[]; invalid: string[] } {
  const groups: TenantGroup[] = [];
  const invalid: string[] = [];
  for (let index = 0; index < batch.groupCount; index++) {
    const { tenant, rowCount } = readGroup(batch, index);
    if (rowCount === 0) continue;
    try {
      groups.push({ tenant: tenantOfBytes(tenant), index });
    } catch (error) {
      if (!(error instanceof TenantNameError)) throw error;
      invalid.push(tenant.toString('utf8'));
    }
  }
  return { groups, invalid };
}

function failureOf(tenant: string, error: unknown): TenantFailure {
  if (error instanceof WriteFailedError) return { tenant, kind: error.kind, reason: error.message, scope: error.scope };
  if (error instanceof OperationalError) return { tenant, kind: error.kind, reason: error.message };
  // Errors of the file system while a tenant is opened: the disk may be full now and not in a minute.
  if (error instanceof Error && 'code' in error && 'syscall' in error)
    return { tenant, kind: 'unavailable', reason: messageOf(error) };
  throw error;
}
