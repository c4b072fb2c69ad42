import { crc32c } from '@gauntlet/kernel';
import { Cursor } from './cursor.js';
import type { FileSource } from './file-source.js';
import type { Reporter } from './finding.js';
import type { IndexFile, IndexToc } from './index-file.js';
import { verifyOffsetTable } from './verify-offset-table.js';
import { type PostingsLayout, readAllSeries, verifyPostings } from './verify-postings.js';
import { type SeriesEntry, walkSeries } from './verify-series.js';
import { type SymbolTable, verifySymbols } from './verify-symbols.js';

const magic = 0xbaaad700;
const headerBytes = 5;
const tocBytes = 52;

/**
 * Invariants 4 to 8, 18 to 22, 24 and 28: an index file. Its series are passed on one by one, in the order of the file. In memory are the
 * symbols, the postings offset table as 24 bytes for each label pair, the list of all series, and one more list at a time.
 *
 * It does not use the reader that the database uses: that one ends at the first misfit, and would hide what it does not look at itself.
 */
export async function verifyIndex(
  source: FileSource,
  report: Reporter,
  onSeries: (series: SeriesEntry, symbols: SymbolTable) => Promise<void>,
): Promise<{ readonly series: number; readonly isWhole: boolean }> {
  const broken = { series: 0, isWhole: false };
  const header = await verifyHeader(source, report);
  if (header === undefined) return broken;
  const index = { source, report, ...header };
  const symbols = await verifySymbols(index);
  const pairs = symbols && (await verifyOffsetTable(index, symbols));
  if (symbols === undefined) return broken;
  const all = pairs && (await readAllSeries(index, pairs));
  const walk = await walkSeries(index, symbols, pairs, all, (series) => onSeries(series, symbols));
  if (pairs !== undefined) await verifyPostings(index, pairs, walk, layoutOf(index));
  reportUnused(index, symbols, walk.isWhole);
  return { series: walk.series, isWhole: walk.isWhole };
}

/** Invariant 4. */
async function verifyHeader(
  source: FileSource,
  report: Reporter,
): Promise<{ version: number; toc: IndexToc } | undefined> {
  const { name: file, size } = source;
  if (size < headerBytes + tocBytes) {
    report.error(4, { file, offset: 0 }, `${size} bytes are too few for an index`);
    return undefined;
  }
  const head = new Cursor(await source.read(0, headerBytes));
  const found = head.uint32();
  if (found !== magic) {
    report.error(4, { file, offset: 0 }, `the magic number is ${found.toString(16)}`);
    return undefined;
  }
  const version = head.byte();
  if (version < 1 || version > 3) {
    report.error(4, { file, offset: 4 }, `the version is ${version}, and readers know 1 to 3`);
    return undefined;
  }
  const toc = await verifyToc(source, report);
  return toc && { version, toc };
}

async function verifyToc(source: FileSource, report: Reporter): Promise<IndexToc | undefined> {
  const at = source.size - tocBytes;
  const place = { file: source.name, offset: at };
  const bytes = await source.read(at, tocBytes);
  const cursor = new Cursor(bytes, at);
  const next = (): number => cursor.uint64();
  const toc = {
    symbols: next(),
    series: next(),
    labelIndices: next(),
    labelIndicesTable: next(),
    postings: next(),
    postingsTable: next(),
    at,
  };
  if (cursor.uint32() !== crc32c(bytes.subarray(0, tocBytes - 4))) {
    report.error(4, place, 'the checksum of the table of contents does not match');
    return undefined;
  }
  // In the order in which they lie in the file, which is not that of the fields. 0 stands for an absent section.
  const sections = [toc.symbols, toc.series, toc.labelIndices, toc.postings, toc.labelIndicesTable, toc.postingsTable];
  const present = sections.filter((offset) => offset !== 0);
  const misplaced = present.find((offset, order) => offset < (present[order - 1] ?? headerBytes) || offset > at);
  if (misplaced !== undefined) {
    report.error(4, place, `the sections are at ${sections.join(', ')}, which is out of order or outside the file`);
    return undefined;
  }
  if (toc.symbols === 0 || toc.series === 0 || toc.postingsTable === 0) {
    report.error(4, place, 'symbols, series or postings table are absent');
    return undefined;
  }
  return toc;
}

function layoutOf({ version, toc }: IndexFile): PostingsLayout {
  if (version === 1) return { end: undefined, isStrict: false };
  // Older indexes have the label offset table behind the lists.
  const isOld = toc.labelIndicesTable !== 0 && toc.labelIndicesTable !== toc.postingsTable;
  return { end: isOld ? toc.labelIndicesTable : toc.postingsTable, isStrict: !isOld };
}

/** Invariant 24. */
function reportUnused({ report, source, toc }: IndexFile, symbols: SymbolTable, isWhole: boolean): void {
  if (!isWhole) return;
  const unused = symbols.unusedCount();
  if (unused > 0)
    report.info(24, { file: source.name, offset: toc.symbols }, `${unused} symbols are used by no series`);
}
