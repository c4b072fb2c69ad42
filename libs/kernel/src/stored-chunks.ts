import type { StoredChunk } from './shard-types.js';

/** Chunks found in files before the WAL is replayed, by the ref that they were stored under; in time order for each ref. */
export class StoredChunks {
  add(_ref: bigint, _chunk: StoredChunk): void {
    throw new Error('not built yet');
  }
}
