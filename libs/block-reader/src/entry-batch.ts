import { BlockCorruptError, entryLength, type IndexHeader, SeriesDecoder, type Tombstones } from '@gauntlet/block';
import type { Pace } from '@gauntlet/select';
import { grownFloat64, grownUint32 } from './grown.js';
import { gapBytesMax, RangeReader } from './range-reader.js';
import type { RefFeed } from './ref-feed.js';

const entriesMax = 4096;
const entriesPerLook = 64;

/** Which chunks count: those that meet a range of times, both ends included, and are not deleted as a whole. */
export interface ChunkFilter {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly tombstones: Tombstones;
}

/** Series entries, read together and decoded into arrays that are used again for the next ones. Series without a chunk that counts are left out. */
export class EntryBatch {
  count = 0;
  refs: Uint32Array = new Uint32Array(64);
  /** References of symbols, of entry `i` at [labelAt[i], labelAt[i + 1]): name and value of each label in turn. */
  symbols: Uint32Array = new Uint32Array(1024);
  labelAt: Uint32Array = new Uint32Array(65);
  /** First time, last time and reference of each chunk in turn, of entry `i` at [chunkAt[i], chunkAt[i + 1]). */
  chunks: Float64Array = new Float64Array(256);
  chunkAt: Uint32Array = new Uint32Array(65);
  readonly #header: IndexHeader;
  readonly #filter: ChunkFilter;
  readonly #windowBytes: number;
  readonly #entryBytes: number;
  readonly #ranges = new RangeReader();
  readonly #decoder = new SeriesDecoder();
  #wanted: Uint32Array = new Uint32Array(64);
  #order: Uint32Array = new Uint32Array(64);

  /** @param entryBytes how long an entry may be expected to be */
  constructor(header: IndexHeader, filter: ChunkFilter, windowBytes: number, entryBytes: number) {
    this.#header = header;
    this.#filter = filter;
    this.#windowBytes = windowBytes;
    this.#entryBytes = entryBytes;
  }

  /**
   * Reads the entries of references given, and of as many behind them from a feed as the window takes.
   * @returns false when the feed had nothing more
   */
  async read(before: readonly number[], feed: RefFeed, pace: Pace): Promise<boolean> {
    const hasMore = this.#want(before, feed);
    const { unit, source, seriesFrom, seriesEnd } = this.#header;
    const wanted = this.#wanted;
    const count = this.#wantedCount;
    for (let k = 0; k < count; k += 1) {
      const offset = wanted[k]! * unit;
      if (offset < seriesFrom || offset >= seriesEnd)
        throw new BlockCorruptError('INDEX', { file: source.name, offset }, 'the series reference points outside');
    }
    const order = this.#sorted(count);
    await this.#ranges.read(
      source,
      order,
      count,
      (index) => wanted[index]! * unit,
      (index) => Math.min(this.#entryBytes, seriesEnd - wanted[index]! * unit),
    );
    this.count = 0;
    for (let k = 0; k < count; k += 1) {
      const decoded = this.#decodeEntry(wanted[k]!);
      if (decoded !== undefined) await decoded;
      this.#keep(wanted[k]!);
      if (k % entriesPerLook === 0 && pace.isDue) await pace.rest();
    }
    this.#ranges.clear();
    return hasMore;
  }

  #wantedCount = 0;

  #want(before: readonly number[], feed: RefFeed): boolean {
    const { unit } = this.#header;
    const max = before.length + entriesMax;
    this.#wanted = grownUint32(this.#wanted, before.length + 1);
    this.#wanted.set(before);
    let count = before.length;
    let last = -1;
    let bytes = 0;
    let hasMore = true;
    while (count < max && bytes < this.#windowBytes) {
      const ref = feed.next();
      if (ref < 0) {
        hasMore = false;
        break;
      }
      const distance = last < 0 ? Infinity : (ref - last) * unit;
      // As much as is read: also what lies between two that are near each other.
      bytes += distance >= 0 && distance <= this.#entryBytes + gapBytesMax ? distance : this.#entryBytes;
      last = ref;
      this.#wanted = grownUint32(this.#wanted, count + 1);
      this.#wanted[count] = ref;
      count += 1;
    }
    this.#wantedCount = count;
    return hasMore;
  }

  /** Indexes of what is wanted, by place. */
  #sorted(count: number): Uint32Array {
    this.#order = grownUint32(this.#order, count);
    const order = this.#order.subarray(0, count);
    const wanted = this.#wanted;
    let isSorted = true;
    for (let k = 0; k < count; k += 1) {
      order[k] = k;
      if (k > 0 && wanted[k]! < wanted[k - 1]!) isSorted = false;
    }
    return isSorted ? order : order.sort((a, b) => wanted[a]! - wanted[b]!);
  }

  #decodeEntry(ref: number): Promise<void> | undefined {
    const { unit, source, seriesEnd } = this.#header;
    const offset = ref * unit;
    const index = this.#ranges.pieceOf(offset);
    const piece = { file: source.name, bytes: this.#ranges.bytes(index), offset: this.#ranges.offset(index) };
    const at = offset - piece.offset;
    const length = entryLength(piece, at);
    if (offset + length > seriesEnd)
      throw new BlockCorruptError(
        'INDEX',
        { file: source.name, offset },
        `series of ${length} bytes reaches past the section`,
      );
    if (at + length > piece.bytes.length) return this.#decodeLong(offset, length);
    this.#decoder.decode(piece, at, length);
    return undefined;
  }

  /** One that is longer than was expected. */
  async #decodeLong(offset: number, atLeast: number): Promise<void> {
    const { source, seriesEnd } = this.#header;
    for (let length = atLeast; ;) {
      const piece = { file: source.name, bytes: await source.read(offset, length), offset };
      const whole = entryLength(piece, 0);
      if (whole <= length) {
        this.#decoder.decode(piece, 0, whole);
        return;
      }
      if (offset + whole > seriesEnd)
        throw new BlockCorruptError(
          'INDEX',
          { file: source.name, offset },
          `series of ${whole} bytes reaches past the section`,
        );
      length = whole;
    }
  }

  /** Appends what was decoded, if a chunk of it counts. */
  #keep(ref: number): void {
    const index = this.count;
    const { minTimeMs, maxTimeMs, tombstones } = this.#filter;
    const { symbols, labelCount, chunks, chunkCount } = this.#decoder;
    const chunkFrom = index === 0 ? 0 : this.chunkAt[index]!;
    let chunkEnd = chunkFrom;
    const deleted = tombstones.size === 0 ? undefined : tombstones.get(ref);
    this.chunks = grownFloat64(this.chunks, chunkFrom + 3 * chunkCount);
    for (let k = 0; k < 3 * chunkCount; k += 3) {
      const min = chunks[k]!;
      const max = chunks[k + 1]!;
      if (min > maxTimeMs || max < minTimeMs) continue;
      if (deleted?.some((interval) => interval.minTimeMs <= min && interval.maxTimeMs >= max)) continue;
      this.chunks[chunkEnd] = min;
      this.chunks[chunkEnd + 1] = max;
      this.chunks[chunkEnd + 2] = chunks[k + 2]!;
      chunkEnd += 3;
    }
    if (chunkEnd === chunkFrom) return;
    this.#checkSymbols(ref);
    const labelFrom = index === 0 ? 0 : this.labelAt[index]!;
    const labelEnd = labelFrom + 2 * labelCount;
    this.symbols = grownUint32(this.symbols, labelEnd);
    for (let k = 0; k < 2 * labelCount; k += 1) this.symbols[labelFrom + k] = symbols[k]!;
    this.refs = grownUint32(this.refs, index + 1);
    this.labelAt = grownUint32(this.labelAt, index + 2);
    this.chunkAt = grownUint32(this.chunkAt, index + 2);
    this.refs[index] = ref;
    this.labelAt[index] = labelFrom;
    this.labelAt[index + 1] = labelEnd;
    this.chunkAt[index] = chunkFrom;
    this.chunkAt[index + 1] = chunkEnd;
    this.count = index + 1;
  }

  #checkSymbols(ref: number): void {
    const { symbols, labelCount } = this.#decoder;
    const { source, unit, symbols: known } = this.#header;
    for (let k = 0; k < 2 * labelCount; k += 1)
      if (!known.has(symbols[k]!))
        throw new BlockCorruptError(
          'INDEX',
          { file: source.name, offset: ref * unit },
          `there is no symbol ${symbols[k]}`,
        );
  }
}
