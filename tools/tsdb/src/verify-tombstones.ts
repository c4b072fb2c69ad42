import { BlockCorruptError, decodeTombstones } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { Cursor } from './cursor.js';
import { type Reporter, foundBy } from './finding.js';

const file = 'tombstones';
const headerBytes = 5;

interface Stone {
  readonly offset: number;
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
}

/** The deleted times of a block, by series reference, as they lie in the file: unsorted and unmerged. */
export type Stones = ReadonlyMap<number, readonly Stone[]>;

/** The checksum of invariant 23. A missing file is none; blocks in buckets have no tombstones. */
export async function readStones(vfs: Vfs, dir: string, report: Reporter): Promise<Stones> {
  const stones = new Map<number, Stone[]>();
  if ((await vfs.stat(`${dir}/${file}`)) === undefined) return stones;
  const bytes = await vfs.readFile(`${dir}/${file}`);
  try {
    decodeTombstones(bytes);
  } catch (error) {
    if (!(error instanceof BlockCorruptError)) throw error;
    report.error(23, { file, offset: error.offset }, foundBy(error));
    return stones;
  }
  const cursor = new Cursor(bytes.subarray(headerBytes, bytes.length - 4), headerBytes);
  while (cursor.remaining > 0) {
    const offset = cursor.position;
    const ref = cursor.uvarint();
    const stone = { offset, minTimeMs: cursor.varint64(), maxTimeMs: cursor.varint64() };
    const others = stones.get(ref);
    if (others === undefined) stones.set(ref, [stone]);
    else others.push(stone);
  }
  return stones;
}

/** The rest of invariant 23, series by series. */
export class TombstoneVerifier {
  readonly #left: Map<number, readonly Stone[]>;
  readonly #report: Reporter;
  readonly count: number;

  constructor(stones: Stones, report: Reporter) {
    this.#left = new Map(stones);
    this.#report = report;
    this.count = [...stones.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** @param range of the series' chunks */
  meet(ref: number, range: { readonly minTimeMs: bigint; readonly maxTimeMs: bigint }): void {
    const stones = this.#left.get(ref);
    if (stones === undefined) return;
    this.#left.delete(ref);
    for (const [at, { offset, minTimeMs, maxTimeMs }] of stones.entries()) {
      const place = { file, offset };
      const what = `deleted time [${minTimeMs}, ${maxTimeMs}] of series ${ref}`;
      const last = stones[at - 1];
      if (minTimeMs > maxTimeMs) this.#report.warning(23, place, `${what} ends before it begins`);
      if (last !== undefined && minTimeMs <= last.maxTimeMs + 1n)
        this.#report.warning(23, place, `${what} does not come after the one before it, or touches it`);
      if (minTimeMs < range.minTimeMs || maxTimeMs > range.maxTimeMs)
        this.#report.warning(23, place, `${what} reaches out of the series' [${range.minTimeMs}, ${range.maxTimeMs}]`);
    }
  }

  finish(isIndexWhole: boolean): void {
    if (!isIndexWhole) return;
    for (const [ref, [first]] of this.#left)
      this.#report.warning(
        23,
        { file, offset: first!.offset },
        `times of series ${ref} are deleted, and there is no such series`,
      );
  }
}
