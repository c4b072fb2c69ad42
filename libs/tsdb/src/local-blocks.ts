import type { BlockMeta } from '@gauntlet/block';
import { byStart } from './block-directory.js';

/** The blocks of an open database, and the time before which they hold everything that came in order. */
export class LocalBlocks {
  #metas: readonly BlockMeta[];
  #coveredMs: number;

  constructor(metas: readonly BlockMeta[], coveredMs: number) {
    this.#metas = metas;
    this.#coveredMs = coveredMs;
  }

  /** By start, then by id. */
  get metas(): readonly BlockMeta[] {
    return this.#metas;
  }

  /** Samples before it are in blocks, and no more of them are accepted in order. Deleting a block does not lower it. */
  get coveredMs(): number {
    return this.#coveredMs;
  }

  add(meta: BlockMeta): void {
    this.#metas = [...this.#metas, meta].sort(byStart);
  }

  /** After a cut that ended there, whether it found samples for a block or not. */
  coverUntil(timeMs: number): void {
    this.#coveredMs = Math.max(this.#coveredMs, timeMs);
  }

  remove(id: string): void {
    this.#metas = this.#metas.filter(({ ulid }) => ulid !== id);
  }
}
