import type { Intake, MessageEncoding } from '@gauntlet/kernel';
import {
  describeOffenders,
  encodeRejections,
  isUntoldBefore2,
  rejectionsMax,
  type Offender,
  type Rejection,
  type RejectionCounts,
  type RejectionReason,
} from '@gauntlet/remote-write';
import { countRejections } from '@gauntlet/head';
import type { WriteOutcome, WriteSource } from '@gauntlet/write-http';
import { judgeWrite, WriteFailedError, type TenantFailure } from './verdict.js';
import { writeGroups, type GroupOutcome, type TenantDatabases } from './write-groups.js';

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

/** What a status may hold of offenders: it travels in a trailer, three bytes for one where it is not ASCII. */
const statusBytesMax = 2048;
const empty = new Uint8Array(0);

/**
 * The writes of an ingester: takes a message apart, appends each tenant's part to its database, and answers once all of it is in the synced log.
 * Everything that can be stored is, whatever else of the request is refused (spec/receive.md 6.1).
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

  /** Whether writes are taken now. */
  get ready(): boolean {
    return this.#databases.ready;
  }

  /**
   * `thanos.WriteableStore/RemoteWrite`. Resolves once every sample is durable, with the body of the answer: with `verdicts` it lists what was refused while the rest was
   * stored (proto/gauntlet/write/v1); otherwise it is empty.
   * @param bytes stays the caller's, and must not change until the promise settles
   * @throws WriteFailedError of the kind that the caller's answer follows; MessageError when the message cannot be read
   */
  remoteWrite(
    bytes: Uint8Array,
    encoding: MessageEncoding,
    { verdicts = false }: { readonly verdicts?: boolean } = {},
  ): Promise<Uint8Array> {
    return this.#admitted(bytes.length, async () => {
      const outcomes = await writeGroups(
        () => this.#intake.scan(bytes, encoding, { kind: 'thanos', routeHashes: false }),
        this.#databases,
      );
      const isAnyRefused = outcomes.some(({ rejections }) => rejections.length > 0);
      const answer = verdicts && isAnyRefused ? rejectionsOf(outcomes) : undefined;
      if (answer !== undefined) return answer;
      const error = judgeWrite(outcomes.flatMap(failuresOf));
      if (error !== undefined) throw error;
      return empty;
    });
  }

  /**
   * Stores a request that was taken from a client, who is told of what becomes of it.
   * @throws WriteFailedError when no writes are taken now
   */
  writeSource(source: WriteSource): Promise<WriteOutcome> {
    return this.#admitted(0, async () => {
      const outcomes = await writeGroups(() => source.scan(), this.#databases, {
        withCounts: true,
        appended: () => source.release(),
      });
      return outcomeOf(outcomes, source);
    });
  }

  /** @param bytes in work until `write` is done */
  async #admitted<T>(bytes: number, write: () => Promise<T>): Promise<T> {
    const refusal = this.#refuse(bytes);
    if (refusal !== undefined) throw refusal;
    // Claimed before the first await: after one, the check above is history.
    this.#inflightBytes += bytes;
    this.#inflightWrites += 1;
    try {
      return await write();
    } finally {
      this.#inflightBytes -= bytes;
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
    if (bytes === 0 || this.#inflightBytes === 0 || this.#inflightBytes + bytes <= this.#inflightBytesMax)
      return undefined;
    this.refused.inflight += 1;
    return new WriteFailedError(
      'overloaded',
      `Cannot take write: ${this.#inflightBytes} bytes are in work already`,
      'ingester',
    );
  }
}

/** What of a tenant's part was not stored: as a whole, and item by item. */
function failuresOf({ tenant, failure, rejections, offenders }: GroupOutcome): TenantFailure[] {
  const failures = failure === undefined ? [] : [failure];
  const told = toldOf1({ rejections, offenders });
  if (Object.values(told.counts).every((count) => count === 0)) return failures;
  const reason = describeOffenders({ ...told, bytesMax: statusBytesMax });
  // Some of it may be stored when it is repeated: that outweighs what cannot.
  const kind = rejections.count('seriesLimit') > 0 ? 'overloaded' : 'conflict';
  return [...failures, { tenant, kind, reason }];
}

interface Told {
  readonly offenders: readonly Offender[];
  readonly counts: RejectionCounts;
}

function toldOf2({ rejections, offenders }: Pick<GroupOutcome, 'rejections' | 'offenders'>): Told {
  return { offenders, counts: countRejections(rejections) };
}

/** Without what senders of remote write 1.0, and routers of Thanos, do not hear of. */
function toldOf1(outcome: Pick<GroupOutcome, 'rejections' | 'offenders'>): Told {
  const { offenders, counts } = toldOf2(outcome);
  return {
    offenders: offenders.filter(({ rejection }) => !isUntoldBefore2(rejection.reason)),
    counts: Object.fromEntries(
      Object.entries(counts).filter(([reason]) => !isUntoldBefore2(reason as RejectionReason)),
    ),
  };
}

/** All rejections as an answer; undefined when they are not all there is to tell, or too many. */
function rejectionsOf(outcomes: readonly GroupOutcome[]): Uint8Array | undefined {
  if (outcomes.some(({ failure }) => failure !== undefined)) return undefined;
  if (outcomes.reduce((sum, { rejections }) => sum + rejections.length, 0) > rejectionsMax) return undefined;
  return encodeRejections(eachOf(outcomes));
}

function* eachOf(outcomes: readonly GroupOutcome[]): Generator<Rejection> {
  for (const { rejections } of outcomes) yield* rejections;
}

function outcomeOf(
  outcomes: readonly GroupOutcome[],
  { tellsLostExemplars }: Pick<WriteSource, 'tellsLostExemplars'>,
): WriteOutcome {
  const written = { samples: 0, histograms: 0, exemplars: 0 };
  const tenants: WriteOutcome['tenants'][number][] = [];
  const offenders: Offender[] = [];
  const refused: Record<string, number> = {};
  for (const outcome of outcomes) {
    const told = tellsLostExemplars ? toldOf2(outcome) : toldOf1(outcome);
    offenders.push(...told.offenders);
    for (const [reason, count] of Object.entries(told.counts)) refused[reason] = (refused[reason] ?? 0) + count;
    if (outcome.counts === undefined) continue;
    const { series, samples } = outcome.counts;
    tenants.push({ tenant: outcome.tenant, series, samples });
    for (const item of ['samples', 'histograms', 'exemplars'] as const) written[item] += outcome.counts.written[item];
  }
  const failures = outcomes.flatMap(({ failure }) => failure ?? []);
  const counts: RejectionCounts = refused;
  const texts = [judgeWrite(failures)?.message ?? '', describeOffenders({ offenders, counts })];
  return {
    verdict: verdictOf(failures, counts),
    text: texts.filter((text) => text !== '').join('; '),
    written,
    tenants,
  };
}

/** The one that is most worth repeating, as judgeWrite has it. */
function verdictOf(failures: readonly TenantFailure[], counts: RejectionCounts): WriteOutcome['verdict'] {
  if (failures.some(({ kind }) => kind !== 'conflict' && kind !== 'rejected')) return 'unavailable';
  if ((counts.seriesLimit ?? 0) > 0) return 'limited';
  return failures.length > 0 || Object.values(counts).some((count) => count > 0) ? 'conflict' : 'stored';
}
