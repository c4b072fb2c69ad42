import type { Labels } from '@gauntlet/model';
import { ByteCursor } from './byte-cursor.js';
import type { ByteSource } from './byte-source.js';
import { BlockCorruptError } from './corrupt.js';
import { crc32c } from './crc32c.js';
import { type ChunkMeta, indexHeaderBytes, indexMagic, indexTocBytes } from './index-writer.js';
import { OffsetTable } from './offset-table.js';
import { SymbolList } from './symbol-list.js';

/** Offsets of the sections. Zero: the section is absent. Lists are found through the table, never through `postings`. */
export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelIndicesTable: number;
  readonly postings: number;
  readonly postingsTable: number;
}

export interface IndexSeries {
  readonly ref: number;
  readonly labels: Labels;
  /** In time order. */
  readonly chunks: readonly ChunkMeta[];
}

/** Fetches a section without knowing its length: most series and lists are shorter. */
const guessBytes = 1024;
/** How much of the series section a walk reads at once. */
const walkBytes = 256 * 1024;
/** Longer symbols that come again within a series are decoded once. */
const symbolBytesShort = 64;
const seriesAlignment = 16;

/**
 * Opens an index file of version 1, 2 (with label indices or without), or 3, which reads like 2. Symbols and the postings
 * offset table are read and verified here, and stay in memory; series and postings are verified when they are read.
 * @throws BlockCorruptError (code BLOCK_INDEX_CORRUPT)
 */
export async function openIndex(source: ByteSource): Promise<BlockIndex> {
  const version = await readIndexVersion(source);
  const toc = await readIndexToc(source);
  const symbols = await readSymbols(source, toc, version);
  return new BlockIndex(source, version, toc, symbols, await readOffsetTable(source, toc));
}

export class BlockIndex {
  readonly version: number;
  readonly toc: IndexToc;
  readonly #source: ByteSource;
  readonly #symbols: SymbolList;
  readonly #table: OffsetTable;
  /** Series references count in units of this. */
  readonly #unit: number;

  constructor(source: ByteSource, version: number, toc: IndexToc, symbols: SymbolList, table: OffsetTable) {
    this.#source = source;
    this.version = version;
    this.toc = toc;
    this.#symbols = symbols;
    this.#table = table;
    this.#unit = version === 1 ? 1 : seriesAlignment;
  }

  get symbolCount(): number {
    return this.#symbols.count;
  }

  /** In the order of their bytes. */
  *symbols(): Generator<string> {
    for (let ordinal = 0; ordinal < this.#symbols.count; ordinal += 1) yield textOf(this.#symbols.at(ordinal));
  }

  /** In the order of their bytes. */
  labelNames(): string[] {
    return [...this.#table.names()].map(textOf);
  }

  /** In the order of their bytes; none for a name that no series has. */
  labelValues(name: string): string[] {
    return name === '' ? [] : [...this.#table.values(Buffer.from(name))].map(textOf);
  }

  /** References, ascending, of the series with that label; of all series for the empty name and value. */
  async postings(name: string, value: string): Promise<Uint32Array> {
    const listAt = this.#table.find(Buffer.from(name), Buffer.from(value));
    if (listAt === undefined) return new Uint32Array();
    const list = await readSection(this.#source, listAt);
    const count = list.uint32();
    if (list.remaining !== 4 * count) throw list.corrupt(`list of ${count} series has ${list.remaining} bytes`);
    const refs = new Uint32Array(count);
    for (let index = 0; index < count; index += 1) {
      const ref = list.uint32();
      if (index > 0 && ref <= refs[index - 1]!) throw list.corrupt('series references do not ascend');
      refs[index] = ref;
    }
    return refs;
  }

  /** The series of a reference that a postings list gave. */
  async series(ref: number): Promise<IndexSeries> {
    return this.#readSeries(ref, new Window(this.#source, guessBytes));
  }

  /** All series, in label order. */
  async *allSeries(): AsyncGenerator<IndexSeries> {
    const window = new Window(this.#source, walkBytes);
    for (const ref of await this.postings('', '')) yield await this.#readSeries(ref, window);
  }

  async #readSeries(ref: number, window: Window): Promise<IndexSeries> {
    const offset = ref * this.#unit;
    const file = this.#source.name;
    const origin = { part: 'INDEX', file, offset } as const;
    const end = this.toc.labelIndices || this.toc.postingsTable;
    if (offset < this.toc.series || offset >= end)
      throw new BlockCorruptError('INDEX', origin, 'the series reference points outside');
    const head = new ByteCursor(await window.read(offset, Math.min(5, end - offset)), origin);
    const length = head.uvarint();
    if (head.at + length + 4 > end - offset) throw head.corrupt(`series of ${length} bytes reaches past the section`);
    const bytes = await window.read(offset + head.at, length + 4);
    checkSum(bytes, { file, offset: offset + head.at });
    const body = new ByteCursor(bytes.subarray(0, length), { ...origin, offset: offset + head.at });
    return { ref, labels: this.#readLabels(body), chunks: readChunkMetas(body) };
  }

  #readLabels(body: ByteCursor): Labels {
    const labels = [];
    const long = new Map<number, string>();
    for (let left = countOf(body, 2); left > 0; left -= 1)
      labels.push({ name: this.#symbol(body, long), value: this.#symbol(body, long) });
    return labels;
  }

  /** @param long decoded before in this series, so that a few damaged bytes cannot ask for a long symbol many times over */
  #symbol(body: ByteCursor, long: Map<number, string>): string {
    const reference = body.uvarint();
    const known = long.size === 0 ? undefined : long.get(reference);
    if (known !== undefined) return known;
    const symbol = this.#symbols.byReference(reference);
    if (symbol === undefined) throw body.corrupt(`there is no symbol ${reference}`);
    const text = textOf(symbol);
    if (symbol.length > symbolBytesShort) long.set(reference, text);
    return text;
  }
}

function readChunkMetas(body: ByteCursor): ChunkMeta[] {
  const chunks: ChunkMeta[] = [];
  let maxTime = 0n;
  let ref = 0;
  for (let left = countOf(body, 3); left > 0; left -= 1) {
    const minTime = chunks.length === 0 ? body.varint64() : BigInt.asIntN(64, maxTime + body.uvarint64());
    maxTime = BigInt.asIntN(64, minTime + body.uvarint64());
    ref = chunks.length === 0 ? body.uvarint() : ref + Number(body.varint64());
    if (!Number.isSafeInteger(ref) || ref < 0) throw body.corrupt('chunk reference out of range');
    chunks.push({ ref, minTimeMs: Number(minTime), maxTimeMs: Number(maxTime) });
  }
  return chunks;
}

/** A number of things that take at least `bytesMin` each: more than fit is refused before anything is allocated. */
function countOf(cursor: ByteCursor, bytesMin: number): number {
  const count = cursor.uvarint();
  if (count * bytesMin > cursor.remaining)
    throw cursor.corrupt(`${count} entries do not fit ${cursor.remaining} bytes`);
  return count;
}

/** Checks the header of an index. */
export async function readIndexVersion(source: ByteSource): Promise<number> {
  const file = source.name;
  const header = new ByteCursor(await source.read(0, Math.min(indexHeaderBytes, source.size)), {
    part: 'INDEX',
    file,
    offset: 0,
  });
  const magic = header.uint32();
  if (magic !== indexMagic) throw header.corrupt(`magic number is ${magic.toString(16)}`);
  const version = header.byte();
  if (version < 1 || version > 3) throw header.corrupt(`version is ${version}`);
  return version;
}

export async function readIndexToc(source: ByteSource): Promise<IndexToc> {
  const offset = source.size - indexTocBytes;
  if (offset < indexHeaderBytes)
    throw new BlockCorruptError('INDEX', { file: source.name, offset: 0 }, `${source.size} bytes are too few`);
  const bytes = await source.read(offset, indexTocBytes);
  checkSum(bytes, { file: source.name, offset });
  const cursor = new ByteCursor(bytes, { part: 'INDEX', file: source.name, offset });
  const next = (): number => {
    const position = cursor.uint64();
    if (position > offset) throw cursor.corrupt(`section at ${position} lies behind the table of contents`);
    return position;
  };
  return {
    symbols: next(),
    series: next(),
    labelIndices: next(),
    labelIndicesTable: next(),
    postings: next(),
    postingsTable: next(),
  };
}

async function readSymbols(source: ByteSource, toc: IndexToc, version: number): Promise<SymbolList> {
  if (toc.symbols === 0) return SymbolList.empty;
  const section = await readSection(source, toc.symbols);
  // Version 1 refers to symbols by their offset in the file, the others by ordinal.
  return SymbolList.read(section, version === 1 ? toc.symbols + 4 : undefined);
}

async function readOffsetTable(source: ByteSource, toc: IndexToc): Promise<OffsetTable> {
  return toc.postingsTable === 0 ? OffsetTable.empty : OffsetTable.read(await readSection(source, toc.postingsTable));
}

/** A section: length, that many bytes, checksum. Returns its bytes; the cursor's position counts from behind the length. */
async function readSection(source: ByteSource, offset: number): Promise<ByteCursor> {
  const origin = { part: 'INDEX', file: source.name, offset } as const;
  if (offset + 8 > source.size) throw new BlockCorruptError('INDEX', origin, 'section lies outside the file');
  let bytes = await source.read(offset, Math.min(guessBytes, source.size - offset));
  const length = new ByteCursor(bytes, origin).uint32();
  const total = 4 + length + 4;
  if (offset + total > source.size)
    throw new BlockCorruptError('INDEX', origin, `section of ${length} bytes reaches past the end of the file`);
  if (total > bytes.length) bytes = await source.read(offset, total);
  checkSum(bytes.subarray(4, total), { file: source.name, offset: offset + 4 });
  return new ByteCursor(bytes.subarray(4, 4 + length), { ...origin, offset: offset + 4 });
}

/** The last four bytes sum up those before. */
function checkSum(bytes: Uint8Array, at: { readonly file: string; readonly offset: number }): void {
  const end = bytes.length - 4;
  const cursor = new ByteCursor(bytes, { part: 'INDEX', ...at });
  cursor.at = end;
  if (cursor.uint32() !== crc32c(bytes, 0, 0, end)) throw new BlockCorruptError('INDEX', at, 'checksum does not match');
}

/** Reads ahead for those who walk through a file. */
class Window {
  readonly #source: ByteSource;
  readonly #readAhead: number;
  #bytes: Uint8Array = new Uint8Array();
  #from = 0;

  constructor(source: ByteSource, readAhead: number) {
    this.#source = source;
    this.#readAhead = readAhead;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < this.#from || offset + length > this.#from + this.#bytes.length) {
      this.#bytes = await this.#source.read(
        offset,
        Math.min(Math.max(length, this.#readAhead), this.#source.size - offset),
      );
      this.#from = offset;
    }
    return this.#bytes.subarray(offset - this.#from, offset - this.#from + length);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
