import type { Endpoint } from './hashring-config.js';
import { placeRows, TupleTable, type Ring } from './ring.js';

/**
 * Endpoints sorted by the bytes of their addresses; replica n of a series is `nodes[((hash + n) mod 2^64) mod nodes.length]`.
 * Cheap, but a new endpoint moves nearly every series.
 */
export class HashmodRing implements Ring {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly replicationFactor: number;
  readonly tupleOwners: Uint16Array;
  readonly tupleCount: number;
  readonly #tupleOfNode: Uint32Array;
  /** Of the hashes 2^64 - 1, 2^64 - 2, ...: within reach of the wrap, replicas are not neighbours. */
  readonly #tupleBeforeWrap: Uint32Array;

  constructor(name: string, endpoints: readonly Endpoint[], replicationFactor: number) {
    this.name = name;
    this.endpoints = endpoints;
    this.replicationFactor = replicationFactor;
    const count = endpoints.length;
    const sorted = endpoints
      .map((_, index) => index)
      .sort((a, b) => Buffer.compare(addressBytes(endpoints[a]), addressBytes(endpoints[b])));
    const tuples = new TupleTable(replicationFactor);
    const replicas = Array.from({ length: replicationFactor }, (_, n) => n);
    this.#tupleOfNode = Uint32Array.from(sorted, (_, node) =>
      tuples.intern(replicas.map((n) => sorted[(node + n) % count] as number)),
    );
    const last = remainder(0xffffffff, 0xffffffff, count);
    this.#tupleBeforeWrap = Uint32Array.from(replicas.slice(1), (_, back) =>
      tuples.intern(
        replicas.map(
          (n) =>
            sorted[
              n <= back ? (last - back + n + count * replicationFactor) % count : (n - back - 1) % count
            ] as number,
        ),
      ),
    );
    this.tupleOwners = tuples.owners();
    this.tupleCount = tuples.count;
  }

  tupleOf(hashHi: number, hashLo: number): number {
    const back = 0xffffffff - hashLo;
    if (hashHi === 0xffffffff && back < this.#tupleBeforeWrap.length) return this.#tupleBeforeWrap[back] as number;
    return this.#tupleOfNode[remainder(hashHi, hashLo, this.#tupleOfNode.length)] as number;
  }

  placeRows(rows: Uint8Array, firstRow: number, rowCount: number, out: Uint32Array): void {
    placeRows(this, rows, firstRow, rowCount, out);
  }
}

function addressBytes(endpoint: Endpoint | undefined): Uint8Array {
  return Buffer.from(endpoint?.address ?? '');
}

/** Of a 64-bit number; exact while the divisor has at most 16 bits. */
function remainder(hi: number, lo: number, divisor: number): number {
  return ((hi % divisor) * 0x1_0000_0000 + lo) % divisor;
}
