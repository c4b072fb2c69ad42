import { messageOf, OperationalError } from '@gauntlet/base';
import { readGroup, type Intake, type MessageEncoding, type ScannedBatch } from '@gauntlet/kernel';
import { TenantNameError, tenantOfBytes } from '@gauntlet/model';
import type { Tsdb } from '@gauntlet/tsdb';
import { isAnyStorable, refuseGroup } from './refuse-group.js';
import { describeRejections, judgeWrite, type TenantFailure, WriteFailedError } from './verdict.js';

/** Where a write finds the databases. */
export interface TenantDatabases {
  /** The database of a tenant that is open now. */
  get(tenant: string): Tsdb | undefined;
  /** Opens or creates it; callers that ask at the same time share one opening. */
  open(tenant: string): Promise<Tsdb>;
  /** False once the ingester is stopping. */
  readonly ready: boolean;
}

export interface WriteServiceOptions {
  readonly intake: Intake;
  readonly databases: TenantDatabases;
  /** Bytes of messages that may be in work at once; beyond that a write is refused before it is looked at. */
  readonly inflightBytesMax: number;
  /** Why no write is taken now, when the disk or the memory is short. */
  readonly refusal?: () => WriteFailedError | undefined;
}

/** Why writes were refused before they were looked at. */
export interface RefusedWrites {
  stopping: number;
  pressure: number;
  inflight: number;
}

interface TenantGroup {
  readonly tenant: string;
  readonly index: number;
}

type Fail = (tenant: string, error: unknown) => void;

/**
 * `thanos.WriteableStore/RemoteWrite` of an ingester: takes the message apart, appends each tenant's part to its database, and answers
 * once all of it is in the synced log. Everything that can be stored is, whatever else of the request is refused (spec/receive.md 6.1).
 */
export class WriteService {
  readonly #intake: Intake;
  readonly #databases: TenantDatabases;
  readonly #inflightBytesMax: number;
  readonly #refusal: () => WriteFailedError | undefined;
  readonly refused: RefusedWrites = { stopping: 0, pressure: 0, inflight: 0 };
  #inflightBytes = 0;
  #inflightWrites = 0;

  constructor({ intake, databases, inflightBytesMax, refusal = () => undefined }: WriteServiceOptions) {
    this.#intake = intake;
    this.#refusal = refusal;
    this.#databases = databases;
    this.#inflightBytesMax = inflightBytesMax;
  }

  /** Writes that have begun and not been answered. */
  get inflightWrites(): number {
    return this.#inflightWrites;
  }

  /**
   * Resolves once every sample is durable.
   * @param bytes stays the caller's, and must not change until the promise settles
   * @throws WriteFailedError of the kind that the caller's answer follows; MessageError when the message cannot be read
   */
  async remoteWrite(bytes: Uint8Array, encoding: MessageEncoding): Promise<void> {
    const refusal = this.#refuse(bytes.length);
    if (refusal !== undefined) throw refusal;
    // Claimed before the first await: after one, the check above is history.
    this.#inflightBytes += bytes.length;
    this.#inflightWrites += 1;
    try {
      await this.#write(bytes, encoding);
    } finally {
      this.#inflightBytes -= bytes.length;
      this.#inflightWrites -= 1;
    }
  }

  /** Why a write is not even looked at; counted. */
  #refuse(bytes: number): WriteFailedError | undefined {
    if (!this.#databases.ready) {
      this.refused.stopping += 1;
      return new WriteFailedError('unavailable', 'Cannot take write: the ingester is stopping', 'ingester');
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.refused.pressure += 1;
      return refusal;
    }
    if (this.#inflightBytes === 0 || this.#inflightBytes + bytes <= this.#inflightBytesMax) return undefined;
    this.refused.inflight += 1;
    return new WriteFailedError(
      'overloaded',
      `Cannot take write: ${this.#inflightBytes} bytes are in work already`,
      'ingester',
    );
  }

  async #write(bytes: Uint8Array, encoding: MessageEncoding): Promise<void> {
    const failures: TenantFailure[] = [];
    const unopened = new Set<string>();
    const commits: Promise<void>[] = [];
    const fail: Fail = (tenant, error) => void failures.push({ tenant, ...failureOf(error) });
    for (;;) {
      const batch = this.#intake.scan(bytes, encoding, { kind: 'thanos', routeHashes: false });
      const { groups, invalid } = tenantGroups(batch);
      const wanted = groups.filter(
        ({ tenant, index }) =>
          !unopened.has(tenant) && this.#databases.get(tenant) === undefined && isAnyStorable(batch, index),
      );
      const closed = new Set(wanted.map(({ tenant }) => tenant));
      if (closed.size === 0) {
        for (const name of invalid) fail(name, new WriteFailedError('rejected', 'tenant name not valid'));
        for (const group of groups) if (!unopened.has(group.tenant)) this.#append(batch, group, commits, fail);
        break;
      }
      // Opening takes its time, and the next request's scan overwrites this batch: look at the message again afterwards.
      await Promise.all(
        [...closed].map((tenant) =>
          this.#databases.open(tenant).catch((error: unknown) => {
            unopened.add(tenant);
            fail(tenant, error);
          }),
        ),
      );
    }
    await Promise.all(commits);
    const verdict = judgeWrite(failures);
    if (verdict !== undefined) throw verdict;
  }

  #append(batch: ScannedBatch, { tenant, index }: TenantGroup, commits: Promise<void>[], fail: Fail): void {
    try {
      // A tenant that is closed here has nothing to store: bad input makes no directory.
      const { rejected, hasRejections, committed } =
        this.#databases.get(tenant)?.append(batch, index) ?? refuseGroup(batch, index);
      if (hasRejections) fail(tenant, new WriteFailedError('conflict', describeRejections(rejected)));
      // A failed log outweighs a conflict: the samples that were accepted are worth another try.
      commits.push(committed.catch((error: unknown) => fail(tenant, error)));
    } catch (error) {
      fail(tenant, error);
    }
  }
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

function failureOf(error: unknown): Omit<TenantFailure, 'tenant'> {
  if (error instanceof WriteFailedError) return { kind: error.kind, reason: error.message, scope: error.scope };
  if (error instanceof OperationalError) return { kind: error.kind, reason: error.message };
  // Errors of the file system while a tenant is opened: the disk may be full now and not in a minute.
  if (error instanceof Error && 'code' in error && 'syscall' in error)
    return { kind: 'unavailable', reason: messageOf(error) };
  throw error;
}
