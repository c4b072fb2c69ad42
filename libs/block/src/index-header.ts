import type { ByteSource } from './byte-source.js';
import { type IndexToc, readIndexToc, readIndexVersion } from './index-reader.js';
import { SampledSymbols } from './sampled-symbols.js';
import { SampledTable } from './sampled-table.js';

/** What is in memory of an index that is read in place. */
export interface IndexHeader {
  readonly source: ByteSource;
  readonly version: number;
  readonly toc: IndexToc;
  readonly symbols: SampledSymbols;
  readonly table: SampledTable;
  /** Series references count in units of this. */
  readonly unit: number;
  /** Series entries lie between these. */
  readonly seriesFrom: number;
  readonly seriesEnd: number;
  readonly bytesHeld: number;
}

const seriesAlignment = 16;

/**
 * Opens an index as `openIndex` does, and verifies the same, but keeps only every 32nd place of symbols and postings offset table: for blocks that stay
 * open while they are asked. A section up to 1 MiB stays in memory as it is.
 * @throws BlockCorruptError (code BLOCK_INDEX_CORRUPT)
 */
export async function openIndexHeader(source: ByteSource): Promise<IndexHeader> {
  const version = await readIndexVersion(source);
  const toc = await readIndexToc(source);
  const symbols = toc.symbols === 0 ? SampledSymbols.empty : await SampledSymbols.read(source, toc.symbols, version);
  const table = toc.postingsTable === 0 ? SampledTable.empty : await SampledTable.read(source, toc.postingsTable);
  return {
    source,
    version,
    toc,
    symbols,
    table,
    unit: version === 1 ? 1 : seriesAlignment,
    seriesFrom: toc.series,
    seriesEnd: toc.labelIndices || toc.postingsTable,
    bytesHeld: symbols.bytesHeld + table.bytesHeld,
  };
}
