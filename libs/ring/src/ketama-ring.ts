import { invariant, xxh64 } from '@gauntlet/base';
import type { Endpoint } from './hashring-config.js';
import { placeRows, TupleTable, type Ring } from './ring.js';

/** Points of each endpoint on the ring. */
export const sectionsPerEndpoint = 1000;

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
  /** The sections in ascending order of their points. */
  readonly #pointHi: Uint32Array;
  readonly #pointLo: Uint32Array;
  readonly #sectionTuple: Uint32Array;
  /** For each value of the top bits of a hash, the first section whose point begins with them or lies beyond. */
  readonly #firstSection: Uint32Array;
  readonly #topBits: number;

  constructor(name: string, endpoints: readonly Endpoint[], replicationFactor: number) {
    this.name = name;
    this.endpoints = endpoints;
    this.replicationFactor = replicationFactor;
    const { pointHi, pointLo, owner } = sortedSections(endpoints);
    const tuples = new TupleTable(endpoints.length, replicationFactor);
    this.#sectionTuple = placeTuples(owner, endpoints, replicationFactor, tuples);
    this.tupleOwners = tuples.owners();
    this.tupleCount = tuples.count;
    this.#pointHi = pointHi;
    this.#pointLo = pointLo;
    this.#topBits = Math.ceil(Math.log2(owner.length));
    this.#firstSection = indexTopBits(pointHi, this.#topBits);
  }

  tupleOf(hashHi: number, hashLo: number): number {
    const sectionCount = this.#pointHi.length;
    // Points are spread evenly, so about one lies under each value of the top bits, and the loop turns once or twice.
    let section = this.#firstSection[hashHi >>> (32 - this.#topBits)] as number;
    while (
      section < sectionCount &&
      isBelow(this.#pointHi[section] as number, this.#pointLo[section] as number, hashHi, hashLo)
    )
      section += 1;
    return this.#sectionTuple[section === sectionCount ? 0 : section] as number;
  }

  placeRows(rows: Uint8Array, firstRow: number, rowCount: number, out: Uint32Array): void {
    placeRows(this, rows, firstRow, rowCount, out);
  }

  /** For tests and tools: the sections in ascending order, with the indexes of their owners. */
  *sections(): Generator<{ readonly point: bigint; readonly owners: Uint16Array }> {
    for (let section = 0; section < this.#pointHi.length; section += 1) {
      const from = (this.#sectionTuple[section] as number) * this.replicationFactor;
      yield {
        point: (BigInt(this.#pointHi[section] as number) << 32n) | BigInt(this.#pointLo[section] as number),
        owners: this.tupleOwners.subarray(from, from + this.replicationFactor),
      };
    }
  }
}

function isBelow(aHi: number, aLo: number, bHi: number, bLo: number): boolean {
  return aHi < bHi || (aHi === bHi && aLo < bLo);
}

function sortedSections(endpoints: readonly Endpoint[]): {
  pointHi: Uint32Array;
  pointLo: Uint32Array;
  owner: Uint16Array;
} {
  const count = endpoints.length * sectionsPerEndpoint;
  const points = new Uint32Array(count * 2);
  endpoints.forEach(({ address }, index) => {
    const prefix = Buffer.from(`${address}:`);
    const bytes = Buffer.alloc(prefix.length + 4);
    prefix.copy(bytes);
    for (let i = 1; i <= sectionsPerEndpoint; i += 1) {
      xxh64(
        bytes,
        prefix.length + bytes.write(String(i), prefix.length, 'latin1'),
        points,
        (index * sectionsPerEndpoint + i - 1) * 2,
      );
    }
  });
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort(
    (a, b) =>
      (points[a * 2 + 1] as number) - (points[b * 2 + 1] as number) ||
      (points[a * 2] as number) - (points[b * 2] as number) ||
      a - b,
  );
  return {
    pointHi: order.map((i) => points[i * 2 + 1] as number),
    pointLo: order.map((i) => points[i * 2] as number),
    owner: Uint16Array.from(order, (i) => Math.floor(i / sectionsPerEndpoint)),
  };
}

/** Walks on from each section and collects its owners, in rotation over the zones where there are several. */
function placeTuples(
  owner: Uint16Array,
  endpoints: readonly Endpoint[],
  replicationFactor: number,
  tuples: TupleTable,
): Uint32Array {
  const zones = [...new Set(endpoints.map(({ zone }) => zone))];
  const zoneOf = endpoints.map(({ zone }) => zones.indexOf(zone));
  const owners: number[] = [];
  const copies = new Array<number>(zones.length);
  return Uint32Array.from(owner, (_, section) => {
    owners.length = 0;
    copies.fill(0);
    for (let step = 0; owners.length < replicationFactor; step += 1) {
      // Each lap chooses at least one owner; `buildHashrings` admits no zones that cannot hold the replicas.
      invariant(step <= owner.length * replicationFactor, 'the zones hold every replica');
      const candidate = owner[(section + step) % owner.length] as number;
      const zone = zoneOf[candidate] as number;
      const held = copies[zone] as number;
      if (owners.includes(candidate) || (held > 0 && zones.length > 1 && held > Math.min(...copies))) continue;
      owners.push(candidate);
      copies[zone] = held + 1;
    }
    return tuples.intern(owners);
  });
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
