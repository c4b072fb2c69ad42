import type { HeadCursor, HeadSnapshotDescription } from './head.js';

/** Opens a snapshot, in any thread. */
export function openHeadSnapshot(_description: HeadSnapshotDescription): HeadCursor {
  throw new Error('not built yet');
}
