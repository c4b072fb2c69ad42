import type { PostingsCursor } from '@gauntlet/select';

/** References of series in the order in which these are to be handed out. */
export interface RefFeed {
  /** -1 when there is nothing more at hand. */
  next(): number;
  /** To be asked behind a -1: whether there is more now. */
  refill(): Promise<boolean>;
}

/** In the order of the index. */
export function feedOf(cursor: PostingsCursor): RefFeed {
  return { next: () => cursor.next(), refill: () => Promise.resolve(false) };
}
