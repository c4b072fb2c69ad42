import { invariant } from '@gauntlet/base';
import { HashringError } from './error.js';
import type { Endpoint } from './hashring-config.js';
import { isBelow, topBitsOf, type Sections } from './ketama-sections.js';
import { placeRows, TupleTable, type Ring } from './ring.js';

/** Sections that may still be looked at while rings are built: 5 ns each. */
export interface WalkBudget {
  steps: number;
}

/**
 * Consistent hashing: each endpoint has 1000 points on a ring of 2^64, and the series belongs to the first point at or after
 * its hash. Its replicas are the next distinct owners, spread over zones (spec/receive.md 3.6), so that a new endpoint
 * takes series but moves none between the others.
 */
export class KetamaRing implements Ring {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly replicationFactor: number;
  readonly tupleOwners: Uint16Array;
  readonly tupleCount: number;
  readonly #all: Sections;
  readonly #sectionTuple: Uint32Array;
  /** For each value of the top bits of a hash, the first section whose point begins with them or lies beyond. */
  readonly #firstSection: Uint32Array;
  readonly #topBits: number;

  /** @throws HashringError HASHRING_INVALID when the walks take more steps than the budget has left */
  constructor(
    name: string,
    endpoints: readonly Endpoint[],
    replicationFactor: number,
    sections: Sections,
    budget: WalkBudget = { steps: Infinity },
  ) {
    this.name = name;
    this.endpoints = endpoints;
    this.replicationFactor = replicationFactor;
    const tuples = new TupleTable(replicationFactor);
    this.#all = sections;
    this.#sectionTuple = placeTuples(this, sections.owner, tuples, budget);
    this.tupleOwners = tuples.owners();
    this.tupleCount = tuples.count;
    this.#topBits = topBitsOf(sections.owner.length);
    this.#firstSection = indexTopBits(sections.pointHi, this.#topBits);
  }

  tupleOf(hashHi: number, hashLo: number): number {
    return this.#sectionTuple[this.#sectionOf(hashHi, hashLo)] as number;
  }

  placeRows(rows: Uint8Array, firstRow: number, rowCount: number, out: Uint32Array): void {
    placeRows(this, rows, firstRow, rowCount, out);
  }

  /** The endpoint that owns the first section at or after that point whose owner is acceptable; there must be one. */
  ownerFrom(pointHi: number, pointLo: number, accepts: (endpoint: number) => boolean): number {
    const { owner } = this.#all;
    let section = this.#sectionOf(pointHi, pointLo);
    for (let step = 0; step < owner.length; step += 1) {
      const candidate = owner[section] as number;
      if (accepts(candidate)) return candidate;
      section = section + 1 === owner.length ? 0 : section + 1;
    }
    invariant(false, 'some endpoint is acceptable');
  }

  /** For tests and tools: the sections in ascending order, with the indexes of their owners. */
  *sections(): Generator<{ readonly point: bigint; readonly owners: Uint16Array }> {
    const { pointHi, pointLo } = this.#all;
    for (let section = 0; section < pointHi.length; section += 1) {
      const from = (this.#sectionTuple[section] as number) * this.replicationFactor;
      yield {
        point: (BigInt(pointHi[section] as number) << 32n) | BigInt(pointLo[section] as number),
        owners: this.tupleOwners.subarray(from, from + this.replicationFactor),
      };
    }
  }

  /** The first section at or after that point, and the first of all behind the last. */
  #sectionOf(hashHi: number, hashLo: number): number {
    const { pointHi, pointLo } = this.#all;
    // Points are spread evenly, so about one lies under each value of the top bits, and the loop turns once or twice.
    let section = this.#firstSection[hashHi >>> (32 - this.#topBits)] as number;
    while (section < pointHi.length && isBelow(pointHi[section] as number, pointLo[section] as number, hashHi, hashLo))
      section += 1;
    return section === pointHi.length ? 0 : section;
  }
}

/**
 * Walks on from each section and collects its owners, in rotation over the zones where there are several. A zone with few of many
 * endpoints makes long walks: hence the budget.
 */
function placeTuples(
  { name, endpoints, replicationFactor }: Pick<Ring, 'name' | 'endpoints' | 'replicationFactor'>,
  owner: Uint16Array,
  tuples: TupleTable,
  budget: WalkBudget,
): Uint32Array {
  const zones = new Map([...new Set(endpoints.map(({ zone }) => zone))].map((zone, index) => [zone, index]));
  const zoneOf = Uint16Array.from(endpoints, ({ zone }) => zones.get(zone) as number);
  const copies = new Uint16Array(zones.size);
  const chosenAt = new Int32Array(endpoints.length).fill(-1); // The last section that chose the endpoint.
  const owners = new Array<number>(replicationFactor);
  const sectionTuple = new Uint32Array(owner.length);
  for (let section = 0; section < owner.length; section += 1) {
    copies.fill(0);
    let fewest = 0;
    let zonesAtFewest = zones.size;
    let at = section;
    // Each lap chooses at least one owner; `buildHashrings` admits no zones that cannot hold the replicas.
    const stepsMax = owner.length * replicationFactor;
    let steps = 0;
    for (let chosen = 0; chosen < replicationFactor;) {
      invariant(steps < stepsMax, 'the zones hold every replica');
      steps += 1;
      const candidate = owner[at] as number;
      at = at + 1 === owner.length ? 0 : at + 1;
      const zone = zoneOf[candidate] as number;
      const held = copies[zone] as number;
      if (chosenAt[candidate] === section || (held > fewest && zones.size > 1)) continue;
      chosenAt[candidate] = section;
      owners[chosen] = candidate;
      chosen += 1;
      copies[zone] = held + 1;
      if (held === fewest) zonesAtFewest -= 1;
      if (zonesAtFewest === 0) {
        fewest += 1; // A zone holds one beyond the fewest at most, so now all hold the same.
        zonesAtFewest = zones.size;
      }
    }
    sectionTuple[section] = tuples.intern(owners);
    budget.steps -= steps;
    if (budget.steps < 0) {
      throw new HashringError(
        'HASHRING_INVALID',
        `Cannot build hashring ${JSON.stringify(name)}: zones of so unequal sizes cannot hold ${replicationFactor} replicas of ${endpoints.length} endpoints in acceptable time`,
      );
    }
  }
  return sectionTuple;
}

function indexTopBits(pointHi: Uint32Array, topBits: number): Uint32Array {
  const first = new Uint32Array(2 ** topBits);
  let section = 0;
  for (let top = 0; top < first.length; top += 1) {
    while (section < pointHi.length && (pointHi[section] as number) >>> (32 - topBits) < top) section += 1;
    first[top] = section;
  }
  return first;
}
