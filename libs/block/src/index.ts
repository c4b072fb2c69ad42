export { MemorySink, type ByteSink } from './byte-sink.js';
export {
  ChunkSegmentWriter,
  chunkSegmentBytesMax,
  chunkSegmentName,
  type ChunkSegmentOptions,
} from './chunk-writer.js';
export { IndexTooLargeError, IndexWriter, type ChunkMeta } from './index-writer.js';
export { type WriteHooks } from './pace.js';
export {
  writeBlock,
  type BlockChunk,
  type BlockSeries,
  type BlockSinks,
  type BlockStats,
  type SeriesCursor,
  type WriteBlockOptions,
} from './write-block.js';
export { BlockCorruptError, type BlockPart } from './corrupt.js';
export {
  encodeBlockMeta,
  parseBlockMeta,
  type BlockMeta,
  type MetaCompaction,
  type MetaStats,
  type ThanosFile,
  type ThanosMeta,
} from './meta.js';
export { MemorySource, type ByteSource } from './byte-source.js';
export { checkChunkSegment, readChunk, type StoredChunk } from './chunk-reader.js';
export { checkIndex, checkTombstones } from './check-block.js';
export { openIndex, type BlockIndex, type IndexSeries, type IndexToc } from './index-reader.js';
export { addInterval, decodeTombstones, encodeTombstones, type Interval, type Tombstones } from './tombstones.js';
export { openIndexHeader, type IndexHeader } from './index-header.js';
export { type SampledSymbols, type SymbolTaker } from './sampled-symbols.js';
export { type SampledTable, type TableWalk } from './sampled-table.js';
export { type TableName } from './table-scan.js';
export { SeriesDecoder, entryLength, type FilePiece } from './series-entries.js';
export { PostingsReader, type ListTaker } from './postings-list.js';
export { chunkInBytes } from './chunk-reader.js';
