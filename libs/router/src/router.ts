import { type Clock } from '@gauntlet/base';
import {
  readGroup,
  readRowLabels,
  readRowSummary,
  type Intake,
  type LabelBytes,
  type ScannedBatch,
} from '@gauntlet/kernel';
import { tenantOfBytes } from '@gauntlet/model';
import {
  describeOffenders,
  offendersMax,
  reasonOfVerdict,
  type Offender,
  type RejectionReason,
} from '@gauntlet/remote-write';
import type { Endpoint, Hashrings } from '@gauntlet/ring';
import {
  rowItems,
  WriteNotReadyError,
  type WriteOutcome,
  type WriteSource,
  type WriteTarget,
} from '@gauntlet/write-http';
import { cutMessages } from './cut-messages.js';
import { NoHashringError } from './errors.js';
import { fanOut, type FanOutCall, type FanOutOutcome, type SeriesOfMessage } from './fan-out.js';
import type { Peers } from './peers.js';
import { Planner } from './plan.js';
import type { Holdings } from './write-tally.js';

export interface RouterOptions {
  /** The one that sources scan with. */
  readonly intake: Intake;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly replicationFactor: number;
  readonly forwardTimeoutMs: number;
  /** Whether messages to peers are compressed. */
  readonly compressed: boolean;
}

/** A request in messages to its owners. */
interface Distribution {
  readonly calls: readonly FanOutCall[];
  readonly holdings: readonly Holdings[];
  readonly tenants: WriteOutcome['tenants'];
  readonly refused: RefusedRows;
}

/** Takes a request apart, finds the owners of its series, and hands each its share. */
export class Router implements WriteTarget {
  readonly #options: RouterOptions;
  readonly #planner = new Planner();
  #hashrings: Hashrings | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#hashrings !== undefined;
  }

  /** Routes by these hashrings from the next request on. */
  apply(hashrings: Hashrings): void {
    this.#options.peers.reconcile(
      new Set(hashrings.rings.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))),
    );
    this.#hashrings = hashrings;
  }

  /**
   * Everything up to the first call to a peer happens before this returns its promise: the intake's memory belongs to the next request then.
   * Rejects with MessageError, TenantNameError, NoHashringError, WriteNotReadyError.
   */
  async write(source: WriteSource): Promise<WriteOutcome> {
    const hashrings = this.#hashrings;
    if (!hashrings) throw new WriteNotReadyError();
    const { tellsLostExemplars } = source;
    const { calls, holdings, tenants, refused } = this.#distribute(source.scan(), hashrings);
    source.release();
    const { clock, forwardTimeoutMs: timeoutMs, replicationFactor } = this.#options;
    const sent = await fanOut({
      calls,
      holdings,
      replicationFactor,
      timeoutMs,
      clock,
      tellsLostExemplars,
      look: (message, series, labelled) => this.#look(message, series, labelled),
    });
    return { ...merge(sent, refused), tenants };
  }

  /** Cuts one message for each endpoint, replica and tenant. Fails as a whole, before anything is sent. */
  #distribute(batch: ScannedBatch, hashrings: Hashrings): Distribution {
    const groups = groupsOf(batch).map((group) => {
      const ring = hashrings.forTenant(group.tenant);
      if (!ring) throw new NoHashringError(group.tenant);
      return { ...group, ring };
    });
    const { intake, peers, compressed } = this.#options;
    const calls: FanOutCall[] = [];
    const holdings: Holdings[] = [];
    const tenants: WriteOutcome['tenants'][number][] = [];
    const refused = new RefusedRows();
    for (const { tenant, firstRow, rowCount, ring } of groups) {
      const firstTuple = holdings.length;
      const plan = this.#planner.plan(ring, batch.rows, firstRow, rowCount);
      holdings.push(...plan.holdings);
      let samples = plan.holdings.reduce((sum, tuple) => sum + tuple.samples, 0);
      for (const row of plan.refused) samples += refused.add(batch, row, tenant);
      tenants.push({ tenant, series: rowCount, samples });
      const messages = cutMessages({ intake, plan, tenant, encoding: compressed ? 'snappy-framed' : 'identity' });
      plan.batches.forEach(({ endpoint: index, replica, tuples }, i) => {
        const endpoint = ring.endpoints[index] as Endpoint;
        calls.push({
          peer: peers.get(endpoint.address),
          endpoint,
          tenant,
          replica,
          message: messages[i] as Buffer,
          tuples: firstTuple === 0 ? tuples : tuples.map((tuple) => firstTuple + tuple),
        });
      });
    }
    return { calls, holdings, tenants, refused };
  }

  #look(message: Buffer, series: readonly number[], labelled: number): SeriesOfMessage[] {
    const { intake, compressed } = this.#options;
    const batch = intake.scan(message, compressed ? 'snappy-framed' : 'identity', {
      kind: 'thanos',
      routeHashes: false,
    });
    // A series may be asked for once for each of its samples.
    const known = new Map<number, readonly LabelBytes[]>();
    const labelsOf = (row: number): readonly LabelBytes[] => {
      const labels = known.get(row) ?? readRowLabels(batch, row);
      known.set(row, labels);
      return labels;
    };
    return series.map((row, i) => ({
      items: rowItems(batch, row),
      labels: i < labelled ? labelsOf(row) : undefined,
    }));
  }
}

/** Rows that the router does not even send. */
class RefusedRows {
  readonly offenders: Offender[] = [];
  readonly counts: Partial<Record<RejectionReason, number>> = {};

  get isEmpty(): boolean {
    return Object.keys(this.counts).length === 0;
  }

  /** @returns the row's float samples */
  add(batch: ScannedBatch, index: number, tenant: string): number {
    const { verdict, sampleCount } = readRowSummary(batch, index);
    const reason = reasonOfVerdict(verdict);
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
    if (this.offenders.length < offendersMax) {
      const labels = readRowLabels(batch, index);
      this.offenders.push({ tenant, labels, rejection: { series: index, item: 'series', first: 0, count: 1, reason } });
    }
    return sampleCount;
  }
}

function merge(sent: FanOutOutcome, refused: RefusedRows): Omit<WriteOutcome, 'tenants'> {
  const verdict = sent.verdict === 'stored' && !refused.isEmpty ? 'conflict' : sent.verdict;
  if (verdict === 'stored') return { verdict, text: '', written: sent.written };
  const counts: Partial<Record<RejectionReason, number>> = { ...sent.refused.counts };
  for (const [reason, count] of Object.entries(refused.counts) as [RejectionReason, number][])
    counts[reason] = (counts[reason] ?? 0) + count;
  const described = describeOffenders({ offenders: [...refused.offenders, ...sent.refused.offenders], counts });
  return { verdict, text: [sent.reasons, described].filter((text) => text !== '').join('; '), written: sent.written };
}

interface TenantGroup {
  readonly tenant: string;
  readonly firstRow: number;
  readonly rowCount: number;
}

/** The tenants of the request that bring any series. @throws TenantNameError */
function groupsOf(batch: ScannedBatch): TenantGroup[] {
  return Array.from({ length: batch.groupCount }, (_, index) => readGroup(batch, index))
    .filter(({ rowCount }) => rowCount > 0)
    .map(({ tenant, ...rows }) => ({ tenant: tenantOfBytes(tenant), ...rows }));
}
