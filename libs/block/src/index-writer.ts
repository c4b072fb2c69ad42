import { invariant, OperationalError } from '@gauntlet/base';
import type { ByteSink } from './byte-sink.js';
import { crc32c } from './crc32c.js';
import { grownBytes, grownUint32, Uint32List } from './growing.js';
import { putUint32, putUint64, putUvarint, putUvarintDifference, putVarint, uvarintLength } from './integers.js';
import { Pace, type WriteHooks } from './pace.js';
import { PairTable } from './pair-table.js';
import { SectionWriter } from './section-writer.js';
import { SymbolTable } from './symbol-table.js';

export const indexMagic = 0xbaaad700;
export const indexVersion = 2;
export const indexHeaderBytes = 5;
export const indexTocBytes = 52;

const seriesAlignment = 16;
const postingsAlignment = 4;
const sectionBytesMax = 2 ** 32 - 1;
/** Kind of an entry in the postings offset table: the number of strings in its key. */
const offsetEntryKeys = 2;

/** Where a chunk lies and what it covers, both ends included. */
export interface ChunkMeta {
  readonly ref: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/** The block has outgrown a limit of its format: cut a smaller time range. */
export class IndexTooLargeError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'BLOCK_INDEX_TOO_LARGE';

  constructor(section: string, bytes: number) {
    super(`Cannot write block index: ${section} of ${bytes} bytes is larger than the format allows`);
  }
}

/**
 * Writes an index file, version 2, in the layout without label indices (spec/tsdb.md 4.3):
 *
 * ```
 * u32 magic BAAAD700 | u8 version = 2
 * symbols:  u32 len | u32 count | count x (uvarint length, bytes), sorted | u32 crc
 * series:   each at a multiple of 16: uvarint len | labels as symbol ordinals, chunk metas | u32 crc
 * postings: u32 len | u32 n | n x u32 series offset / 16 | u32 crc; the list of all series first, then by (name, value)
 * table:    u32 len | u32 count | count x (02, name, value, uvarint offset of the list) | u32 crc
 * TOC:      u64 x 6 offsets | u32 crc
 * ```
 *
 * Series are gathered by `addSeries`, which is synchronous and copies what it needs, and written by `finish`. A gathered
 * series takes 4 bytes for each label and about 20 for each chunk, besides its new symbols; `finish` takes as much again for
 * the postings. No label becomes an object.
 */
export class IndexWriter {
  readonly #out: SectionWriter;
  readonly #pace: Pace;
  readonly #symbols = new SymbolTable();
  readonly #pairs = new PairTable();
  /** For all series in turn: pair ids, number of labels, bytes of chunk metas. */
  readonly #occurrences = new Uint32List();
  readonly #labelCounts = new Uint32List();
  readonly #chunkLengths = new Uint32List();
  /** The chunk part of every series entry, as it will be written: it does not depend on the symbols' order. */
  #chunkParts: Uint8Array = new Uint8Array(1 << 16);
  #chunkPartsLength = 0;
  #lastChunkRef = 0;

  /** The series before: labels repeat from one to the next, and a label equal to the one in its place needs no look-up. */
  #previous: Uint8Array = new Uint8Array(1 << 10);
  #previousStarts = new Uint32Array(1 << 6);
  #previousPairs = new Uint32Array(1 << 6);
  #previousCount = 0;

  constructor(sink: ByteSink, hooks: WriteHooks = {}) {
    this.#out = new SectionWriter(sink);
    this.#pace = new Pace(hooks);
  }

  get seriesCount(): number {
    return this.#labelCounts.length;
  }

  /** Keeps a symbol although no series may use it. Blocks cut from a head hold the empty string. */
  addSymbol(bytes: Uint8Array): void {
    this.#symbols.intern(bytes, 0, bytes.length);
  }

  /**
   * Adds a series with its chunks in time order. Series come in strictly increasing label order.
   * @param labels canonical protobuf: for each label 0A len 0A len name 12 len value
   */
  addSeries(labels: Uint8Array, chunks: readonly ChunkMeta[]): void {
    invariant(chunks.length > 0, 'a series in a block has a chunk');
    this.#addLabels(labels);
    this.#addChunks(chunks);
  }

  /** Writes the file and closes the sink. */
  async finish(): Promise<void> {
    const order = await this.#symbols.sortedIds(this.#pace);
    const ordinals = new Uint32Array(order.length);
    for (let ordinal = 0; ordinal < order.length; ordinal += 1) ordinals[order[ordinal]!] = ordinal;

    const out = this.#out;
    out.putUint32(indexMagic);
    out.bytes[out.length++] = indexVersion;
    const symbolsAt = out.position;
    await this.#writeSymbols(order);
    const seriesAt = out.position;
    const pairOrder = await this.#pairs.sortedIds(order, ordinals, this.#pace);
    const { refs, postings } = await this.#writeSeries(ordinals, pairOrder);
    // Before the padding of the first list: the reference puts it so, and readers must not use it.
    const postingsAt = out.position;
    const firstListAt = await this.#writePostings(refs, postings, pairOrder);
    const tableAt = out.position;
    await this.#writeOffsetTable(pairOrder, firstListAt);
    await this.#writeToc([symbolsAt, seriesAt, postingsAt, tableAt, postingsAt, tableAt]);
    await out.close();
  }

  #addLabels(labels: Uint8Array): void {
    const previous = this.#previous;
    let inOrder = this.seriesCount === 0;
    let count = 0;
    let at = 0;
    while (at < labels.length) {
      const start = at;
      // Label { name = 1, value = 2 }, as field 1 of its series.
      const entryLength = lengthAt(labels, at, 0x0a);
      at = behindLength(at, entryLength);
      const end = at + entryLength;
      invariant(end <= labels.length, 'labels are canonical');
      const hasTwin = count < this.#previousCount;
      if (
        hasTwin &&
        isSame(previous, this.#previousStarts[count]!, this.#previousStarts[count + 1]!, labels, start, end)
      ) {
        at = end;
      } else {
        const nameLength = lengthAt(labels, at, 0x0a);
        const nameAt = behindLength(at, nameLength);
        const valueTagAt = nameAt + nameLength;
        const valueLength = lengthAt(labels, valueTagAt, 0x12);
        const valueAt = behindLength(valueTagAt, valueLength);
        invariant(valueAt + valueLength === end, 'labels are canonical');
        if (!inOrder) {
          inOrder = !hasTwin || this.#isAfterTwin(count, labels, nameAt, valueTagAt, valueAt, end);
          invariant(inOrder, 'series come in label order');
        }
        const name = this.#nameId(count, labels, nameAt, valueTagAt);
        const value = this.#symbols.intern(labels, valueAt, end);
        if (count + 2 > this.#previousStarts.length) {
          this.#previousStarts = grownUint32(this.#previousStarts, count + 2);
          this.#previousPairs = grownUint32(this.#previousPairs, count + 2);
        }
        this.#previousPairs[count] = this.#pairs.intern(name, value);
        at = end;
      }
      const pair = this.#previousPairs[count]!;
      this.#occurrences.push(pair);
      this.#pairs.count(pair);
      count += 1;
    }
    invariant(count > 0, 'a series has a label');
    inOrder ||= count > this.#previousCount;
    invariant(inOrder, 'series come in label order, each once');
    this.#labelCounts.push(count);
    this.#remember(labels, count);
  }

  #remember(labels: Uint8Array, count: number): void {
    if (labels.length > this.#previous.length) this.#previous = grownBytes(this.#previous, labels.length);
    this.#previous.set(labels);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      this.#previousStarts[index] = at;
      const length = lengthAt(labels, at, 0x0a);
      at = behindLength(at, length) + length;
    }
    this.#previousStarts[count] = at;
    this.#previousCount = count;
  }

  /** The name at this place is mostly the one that the series before had there. */
  #nameId(index: number, labels: Uint8Array, from: number, to: number): number {
    if (index < this.#previousCount) {
      const guess = this.#pairs.nameOf(this.#previousPairs[index]!);
      if (this.#symbols.isEqual(guess, labels, from, to)) return guess;
    }
    return this.#symbols.intern(labels, from, to);
  }

  #isAfterTwin(
    index: number,
    labels: Uint8Array,
    nameAt: number,
    nameEnd: number,
    valueAt: number,
    valueEnd: number,
  ): boolean {
    const previous = this.#previous;
    const at = this.#previousStarts[index]!;
    const entryAt = behindLength(at, lengthAt(previous, at, 0x0a));
    const nameLength = lengthAt(previous, entryAt, 0x0a);
    const twinNameAt = behindLength(entryAt, nameLength);
    const twinNameEnd = twinNameAt + nameLength;
    const names = compareRange(labels, nameAt, nameEnd, previous, twinNameAt, twinNameEnd);
    if (names !== 0) return names > 0;
    const twinValueAt = behindLength(twinNameEnd, lengthAt(previous, twinNameEnd, 0x12));
    return compareRange(labels, valueAt, valueEnd, previous, twinValueAt, this.#previousStarts[index + 1]!) > 0;
  }

  /** uvarint count, then varint mint, uvarint maxt - mint, uvarint ref; later chunks as differences to the one before. */
  #addChunks(chunks: readonly ChunkMeta[]): void {
    const start = this.#chunkPartsLength;
    const bytesMax = 5 + 30 * chunks.length;
    if (start + bytesMax > this.#chunkParts.length) this.#chunkParts = grownBytes(this.#chunkParts, start + bytesMax);
    const bytes = this.#chunkParts;
    let at = putUvarint(bytes, start, chunks.length);
    let before: ChunkMeta | undefined;
    for (const chunk of chunks) {
      invariant(chunk.ref > this.#lastChunkRef, 'chunk references grow through the index');
      invariant(chunk.maxTimeMs >= chunk.minTimeMs, 'a chunk ends after it begins');
      if (before === undefined) at = putVarint(bytes, at, chunk.minTimeMs);
      else {
        invariant(chunk.minTimeMs > before.maxTimeMs, 'chunks of a series do not overlap');
        at = putUvarintDifference(bytes, at, chunk.minTimeMs, before.maxTimeMs);
      }
      at = putUvarintDifference(bytes, at, chunk.maxTimeMs, chunk.minTimeMs);
      at = before === undefined ? putUvarint(bytes, at, chunk.ref) : putVarint(bytes, at, chunk.ref - before.ref);
      this.#lastChunkRef = chunk.ref;
      before = chunk;
    }
    this.#chunkLengths.push(at - start);
    this.#chunkPartsLength = at;
  }

  async #writeSymbols(order: Uint32Array): Promise<void> {
    const out = this.#out;
    let length = 4;
    for (let id = 0; id < order.length; id += 1)
      length += uvarintLength(this.#symbols.lengthOf(id)) + this.#symbols.lengthOf(id);
    this.#startSection('symbols', length);
    out.putUint32(order.length);
    for (const id of order) {
      const room = out.room(this.#symbols.lengthOf(id) + 5);
      if (room !== undefined) await room;
      this.#putSymbol(id);
      if (this.#pace.isDue(1)) await this.#pace.rest();
    }
    await out.room(4);
    out.putChecksum();
  }

  /** Writes the series and, in the same walk, drops each one's reference into the lists of its pairs. */
  async #writeSeries(
    ordinals: Uint32Array,
    pairOrder: Uint32Array,
  ): Promise<{ refs: Uint32Array; postings: Uint32Array }> {
    const out = this.#out;
    const pairs = this.#pairs;
    const occurrences = this.#occurrences;
    const refs = new Uint32Array(this.seriesCount);
    const postings = new Uint32Array(occurrences.length);
    const cursors = new Uint32Array(pairs.size);
    let end = 0;
    for (const pair of pairOrder) {
      cursors[pair] = end;
      end += pairs.countOf(pair);
      if (this.#pace.isDue(1)) await this.#pace.rest();
    }
    let occurrence = 0;
    let chunkAt = 0;
    for (let series = 0; series < refs.length; series += 1) {
      const labelCount = this.#labelCounts.at(series);
      const chunkLength = this.#chunkLengths.at(series);
      const room = out.room(seriesAlignment + 5 + 5 + labelCount * 10 + chunkLength + 4);
      if (room !== undefined) await room;
      out.pad(seriesAlignment);
      const ref = out.position / seriesAlignment;
      if (ref > 0xffffffff) throw new IndexTooLargeError('series', out.position);
      refs[series] = ref;
      const bytes = out.bytes;
      // The body's length is nearly always one byte; when it is not, the body moves.
      let body = out.length + 1;
      let at = putUvarint(bytes, body, labelCount);
      for (const last = occurrence + labelCount; occurrence < last; occurrence += 1) {
        const pair = occurrences.at(occurrence);
        at = putUvarint(bytes, at, ordinals[pairs.nameOf(pair)]!);
        at = putUvarint(bytes, at, ordinals[pairs.valueOf(pair)]!);
        postings[cursors[pair]!] = ref;
        cursors[pair]! += 1;
      }
      for (const last = chunkAt + chunkLength; chunkAt < last; chunkAt += 1) bytes[at++] = this.#chunkParts[chunkAt]!;
      const length = at - body;
      const shift = uvarintLength(length) - 1;
      if (shift > 0) bytes.copyWithin(body + shift, body, at);
      body += shift;
      at += shift;
      putUvarint(bytes, out.length, length);
      out.length = putUint32(bytes, at, crc32c(bytes, 0, body, at));
      if (this.#pace.isDue(2 + 2 * labelCount)) await this.#pace.rest();
    }
    return { refs, postings };
  }

  /** Returns where the first list lies; the others follow without gaps, in the order of the table. */
  async #writePostings(refs: Uint32Array, postings: Uint32Array, pairOrder: Uint32Array): Promise<number> {
    await this.#out.room(postingsAlignment);
    this.#out.pad(postingsAlignment);
    const firstListAt = this.#out.position;
    await this.#writeList(refs, 0, refs.length);
    let from = 0;
    for (const pair of pairOrder) {
      const to = from + this.#pairs.countOf(pair);
      const written = this.#writeList(postings, from, to);
      if (written !== undefined) await written;
      from = to;
      if (this.#pace.isDue(4)) await this.#pace.rest();
    }
    return firstListAt;
  }

  /** Short lists, nearly all of them, are written without a turn of the event loop. */
  #writeList(refs: Uint32Array, from: number, to: number): Promise<void> | undefined {
    const out = this.#out;
    const bytes = listBytes(to - from);
    if (bytes > 4096 || out.room(0) !== undefined || out.length + bytes > out.bytes.length)
      return this.#writeLongList(refs, from, to);
    this.#startSection('postings list', bytes - 8);
    out.putUint32(to - from);
    for (let index = from; index < to; index += 1) out.putUint32(refs[index]!);
    out.putChecksum();
    return undefined;
  }

  async #writeLongList(refs: Uint32Array, from: number, to: number): Promise<void> {
    const out = this.#out;
    await out.room(12);
    this.#startSection('postings list', listBytes(to - from) - 8);
    out.putUint32(to - from);
    for (let index = from; index < to; index += 1) {
      const room = out.room(4);
      if (room !== undefined) await room;
      out.putUint32(refs[index]!);
      if (this.#pace.isDue(1)) await this.#pace.rest();
    }
    await out.room(4);
    out.putChecksum();
  }

  async #writeOffsetTable(pairOrder: Uint32Array, firstListAt: number): Promise<void> {
    const out = this.#out;
    const firstPairListAt = firstListAt + listBytes(this.seriesCount);
    let length = 4 + 3 + uvarintLength(firstListAt);
    let listAt = firstPairListAt;
    for (const pair of pairOrder) {
      const name = this.#symbols.lengthOf(this.#pairs.nameOf(pair));
      const value = this.#symbols.lengthOf(this.#pairs.valueOf(pair));
      length += 1 + uvarintLength(name) + name + uvarintLength(value) + value + uvarintLength(listAt);
      listAt += listBytes(this.#pairs.countOf(pair));
      if (this.#pace.isDue(1)) await this.#pace.rest();
    }
    await out.room(8 + 13);
    this.#startSection('postings offset table', length);
    out.putUint32(pairOrder.length + 1);
    out.bytes.set([offsetEntryKeys, 0, 0], out.length);
    out.length = putUvarint(out.bytes, out.length + 3, firstListAt);
    listAt = firstPairListAt;
    for (const pair of pairOrder) {
      const name = this.#pairs.nameOf(pair);
      const value = this.#pairs.valueOf(pair);
      const room = out.room(1 + 5 + this.#symbols.lengthOf(name) + 5 + this.#symbols.lengthOf(value) + 10);
      if (room !== undefined) await room;
      out.bytes[out.length++] = offsetEntryKeys;
      this.#putSymbol(name);
      this.#putSymbol(value);
      out.length = putUvarint(out.bytes, out.length, listAt);
      listAt += listBytes(this.#pairs.countOf(pair));
      if (this.#pace.isDue(2)) await this.#pace.rest();
    }
    await out.room(4);
    out.putChecksum();
  }

  async #writeToc(offsets: readonly number[]): Promise<void> {
    const out = this.#out;
    await out.room(indexTocBytes);
    out.startChecksum();
    for (const offset of offsets) out.length = putUint64(out.bytes, out.length, offset);
    out.putChecksum();
  }

  /** A length, and the checksum begins behind it. Needs four bytes of room. */
  #startSection(name: string, length: number): void {
    if (length > sectionBytesMax) throw new IndexTooLargeError(name, length);
    this.#out.putUint32(length);
    this.#out.startChecksum();
  }

  #putSymbol(id: number): void {
    const out = this.#out;
    const at = putUvarint(out.bytes, out.length, this.#symbols.lengthOf(id));
    out.length = this.#symbols.copy(id, out.bytes, at);
  }
}

/** Length, count, references, checksum. */
function listBytes(count: number): number {
  return 4 + 4 + 4 * count + 4;
}

/** The length of the field of that tag at `at`. */
function lengthAt(labels: Uint8Array, at: number, tag: number): number {
  invariant(labels[at] === tag, 'labels are canonical');
  let length = 0;
  let scale = 1;
  for (let index = at + 1; ; index += 1) {
    const byte = labels[index];
    invariant(byte !== undefined && scale <= 2 ** 28, 'labels are canonical');
    length += (byte & 127) * scale;
    if (byte < 128) return length;
    scale *= 128;
  }
}

/** Where the bytes of that field begin: canonical lengths take as many bytes as they need. */
function behindLength(at: number, length: number): number {
  return at + 1 + uvarintLength(length);
}

function isSame(a: Uint8Array, fromA: number, toA: number, b: Uint8Array, fromB: number, toB: number): boolean {
  if (toA - fromA !== toB - fromB) return false;
  // From the end: what sets two labels apart is mostly there.
  for (let atA = toA - 1, atB = toB - 1; atA >= fromA; atA -= 1, atB -= 1) if (a[atA] !== b[atB]) return false;
  return true;
}

function compareRange(a: Uint8Array, fromA: number, toA: number, b: Uint8Array, fromB: number, toB: number): number {
  let atA = fromA;
  let atB = fromB;
  for (; atA < toA && atB < toB; atA += 1, atB += 1) if (a[atA] !== b[atB]) return a[atA]! - b[atB]!;
  return toA - atA - (toB - atB);
}
