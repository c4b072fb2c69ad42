import { type Clock } from '@gauntlet/base';
import { readGroup, type Intake, type MessageEncoding, type MessageSchema, type ScannedBatch } from '@gauntlet/kernel';
import { tenantOfBytes } from '@gauntlet/model';
import type { Endpoint, Hashrings } from '@gauntlet/ring';
import { cutMessages } from './cut-messages.js';
import { NoHashringError, RouterNotReadyError } from './errors.js';
import { fanOut, type FanOutCall } from './fan-out.js';
import type { Peers } from './peers.js';
import { Planner } from './plan.js';

export interface RouterOptions {
  readonly intake: Intake;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly replicationFactor: number;
  readonly forwardTimeoutMs: number;
  /** Whether messages to peers are compressed. */
  readonly compressed: boolean;
}

/** A request that was scanned, and what becomes of it. */
export interface RoutedWrite {
  readonly series: number;
  /** Float samples. */
  readonly samples: number;
  /** Resolves when the quorum has it; rejects with QuorumError or ForwardTimeoutError. */
  readonly stored: Promise<void>;
}

/** Takes a request apart, finds the owners of its series, and hands each its share. */
export class Router {
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
   * Everything up to the first call to a peer happens before this returns: the intake's memory belongs to the next request then.
   * @param check called when the message is scanned and before anything is sent; what it throws ends the request
   * @throws MessageError, TenantNameError, NoHashringError, RouterNotReadyError
   */
  route(message: Uint8Array, encoding: MessageEncoding, schema: MessageSchema, check?: () => void): RoutedWrite {
    const hashrings = this.#hashrings;
    if (!hashrings) throw new RouterNotReadyError();
    const batch = this.#options.intake.scan(message, encoding, schema);
    check?.();
    const { rowCount: series, sampleCount: samples } = batch;
    if (series === 0) return { series, samples, stored: Promise.resolve() };
    const { calls, tupleCount } = this.#distribute(batch, schema, hashrings);
    const { clock, forwardTimeoutMs, replicationFactor } = this.#options;
    return {
      series,
      samples,
      stored: fanOut({ calls, tupleCount, replicationFactor, timeoutMs: forwardTimeoutMs, clock }),
    };
  }

  /** Cuts one message for each endpoint, replica and tenant. Fails as a whole, before anything is sent. */
  #distribute(
    batch: ScannedBatch,
    schema: MessageSchema,
    hashrings: Hashrings,
  ): { calls: FanOutCall[]; tupleCount: number } {
    const { intake, peers, compressed } = this.#options;
    const groups = groupsOf(batch, schema).map((group) => {
      const ring = hashrings.forTenant(group.tenant);
      if (!ring) throw new NoHashringError(group.tenant);
      return { ...group, ring };
    });
    const calls: FanOutCall[] = [];
    let tupleCount = 0;
    for (const { tenant, firstRow, rowCount, ring } of groups) {
      const firstTuple = tupleCount;
      const plan = this.#planner.plan(ring, batch.rows, firstRow, rowCount);
      tupleCount += plan.tuples.length;
      const messages = cutMessages({ intake, plan, tenant, encoding: compressed ? 'snappy-framed' : 'identity' });
      plan.batches.forEach(({ endpoint: index, replica, tuples }, i) => {
        const endpoint = ring.endpoints[index] as Endpoint;
        calls.push({
          peer: peers.get(endpoint.address),
          endpoint,
          replica,
          message: messages[i] as Buffer,
          tuples: firstTuple === 0 ? tuples : tuples.map((tuple) => firstTuple + tuple),
        });
      });
    }
    return { calls, tupleCount };
  }
}

interface TenantGroup {
  readonly tenant: string;
  readonly firstRow: number;
  readonly rowCount: number;
}

/** The tenants of the request that bring any series. @throws TenantNameError */
function groupsOf(batch: ScannedBatch, schema: MessageSchema): TenantGroup[] {
  if (schema.kind === 'prometheus') return [{ tenant: schema.tenant, firstRow: 0, rowCount: batch.rowCount }];
  return Array.from({ length: batch.groupCount }, (_, index) => readGroup(batch, index))
    .filter(({ rowCount }) => rowCount > 0)
    .map(({ tenant, ...rows }) => ({ tenant: tenantOfBytes(tenant), ...rows }));
}
