export {
  headChunkFileBytesMax,
  openHeadChunks,
  type HeadChunkFiles,
  type HeadChunkFilesOptions,
} from './head-chunk-files.js';
export { chunkDataBytesMax, type HeadChunkRecord } from './record.js';
export {
  loadHeadChunks,
  type HeadChunkDamage,
  type LoadHeadChunksOptions,
  type LoadedHeadChunks,
  type StoredHeadChunk,
} from './load-head-chunks.js';
export { readHeadChunks, type WantedHeadChunk } from './read-head-chunks.js';
export { HeadChunkCorruptError, HeadChunksClosedError, type HeadChunkPosition } from './head-chunk-error.js';
