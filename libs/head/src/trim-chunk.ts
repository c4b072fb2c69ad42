import type { HeldHeadChunk, StoredHeadChunk } from './head.js';

/** What is to be seen of a chunk whose bytes were read from a file: the chunk itself, or its samples encoded anew without those that are not. */
export function trimChunk(_chunk: StoredHeadChunk, _data: Uint8Array): HeldHeadChunk[] {
  throw new Error('not built yet');
}
