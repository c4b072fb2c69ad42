import { KiB, MiB } from '@gauntlet/base';
import { ByteCursor } from './byte-cursor.js';
import { type ByteSource, MemorySource } from './byte-source.js';
import { BlockCorruptError } from './corrupt.js';
import { compareBytes, uvarintAt, uvarintEndWithin } from './fast-varint.js';
import { Uint32List } from './growing.js';
import { locateSection, scanSection } from './section-scan.js';

/** Of so many symbols, one's place is kept. */
const sampleEvery = 32;
/** A section that is not longer stays in memory. */
export const heldSectionBytesMax = MiB;
/** What lies between two symbols that are wanted is read along if it is not longer: a read costs as much as copying some ten KiB. */
const gapBytesMax = 32 * KiB;

/** Receives a symbol: its bytes with their length before them, `bytes[from, to)`, of which the text begins at `textFrom`. */
export type SymbolTaker = (
  index: number,
  symbol: { readonly bytes: Uint8Array; from: number; textFrom: number; to: number },
) => void;

/** The symbols of an index, of which every 32nd one's place is in memory. The others are found by walking from there. */
export class SampledSymbols {
  static readonly empty = new SampledSymbols(new MemorySource('index', new Uint8Array()), {
    count: 0,
    places: new Uint32Array(),
    bodyAt: 0,
    bodyBytes: 0,
    isByOffset: false,
    ascend: true,
  });

  readonly count: number;
  /** Whether they are in the order of their bytes, so that references compare as the symbols do. */
  readonly ascend: boolean;
  readonly bytesHeld: number;
  readonly #source: ByteSource;
  /** Places of samples within the body; behind them the end of the body. */
  readonly #places: Uint32Array;
  /** Where the body begins in the source, and in the file. */
  readonly #sourceAt: number;
  readonly #bodyAt: number;
  /** Version 1 refers to symbols by their places in the file, the others by ordinal. */
  readonly #isByOffset: boolean;

  private constructor(
    source: ByteSource,
    {
      count,
      places,
      bodyAt,
      bodyBytes,
      isByOffset,
      ascend,
      held,
    }: {
      readonly count: number;
      readonly places: Uint32Array;
      readonly bodyAt: number;
      readonly bodyBytes: number;
      readonly isByOffset: boolean;
      readonly ascend: boolean;
      readonly held?: Uint8Array;
    },
  ) {
    this.count = count;
    this.ascend = ascend;
    this.#places = places;
    this.#isByOffset = isByOffset;
    this.#bodyAt = bodyAt;
    this.#source = held === undefined ? source : new MemorySource(source.name, held);
    this.#sourceAt = held === undefined ? bodyAt : 0;
    this.bytesHeld = places.byteLength + (held === undefined ? 0 : bodyBytes);
  }

  /** Reads and verifies the section at `offset`. */
  static async read(source: ByteSource, offset: number, version: number): Promise<SampledSymbols> {
    const place = await locateSection(source, offset);
    const { bodyAt, bodyBytes } = place;
    const corruptAt = (position: number, found: string): BlockCorruptError =>
      new BlockCorruptError('INDEX', { file: source.name, offset: bodyAt + position }, found);
    const places = new Uint32List();
    const held = bodyBytes <= heldSectionBytesMax ? new Uint8Array(bodyBytes) : undefined;
    let count = -1;
    let found = 0;
    let isAtEnd = false;
    let ascend = true;
    const last: { bytes: Uint8Array; from: number; to: number } = { bytes: new Uint8Array(), from: 0, to: 0 };
    await scanSection(source, place, (bytes, position, isLast) => {
      held?.set(bytes, position);
      let at = 0;
      if (count < 0) {
        const head = new ByteCursor(bytes, { part: 'INDEX', file: source.name, offset: bodyAt });
        count = head.uint32();
        if (count > bodyBytes - 4) throw head.corrupt(`${count} symbols do not fit ${bodyBytes - 4} bytes`);
        at = 4;
      }
      while (found < count) {
        const textFrom = uvarintEndWithin(bytes, at, bytes.length);
        const to = textFrom < 0 ? textFrom : textFrom + uvarintAt(bytes, at);
        if (to === -2) throw corruptAt(position + at, 'integer of more than 64 bits');
        if (to < 0 || to > bytes.length) {
          if (isLast) throw corruptAt(position + at, `symbol ${found} reaches past the end of the section`);
          break;
        }
        if (found % sampleEvery === 0) places.push(position + at);
        ascend &&= found === 0 || compareBytes(last.bytes, last.from, last.to, bytes, textFrom, to) < 0;
        last.bytes = bytes;
        last.from = textFrom;
        last.to = to;
        found += 1;
        at = to;
      }
      if (!isAtEnd && found === count) {
        isAtEnd = true;
        places.push(position + at);
      }
      return found === count ? bytes.length : at;
    });
    if (count < 0) throw corruptAt(0, '4 bytes expected, 0 left');
    return new SampledSymbols(source, {
      count,
      places: places.toArray(),
      bodyAt,
      bodyBytes,
      isByOffset: version === 1,
      ascend,
      ...(held === undefined ? {} : { held }),
    });
  }

  /** Whether there may be a symbol of that reference: in version 1, reading it says more. */
  has(reference: number): boolean {
    if (!this.#isByOffset) return reference < this.count;
    const place = reference - this.#bodyAt;
    return this.count > 0 && place >= this.#places[0]! && place < this.#places.at(-1)!;
  }

  /**
   * Reads symbols, which come in the order of the references given, from few reads of neighbours.
   * @param references ascending, each once; `has` holds for all of them
   * @param windowBytes what is read at once, unless a symbol is longer
   */
  async read(references: Uint32Array, windowBytes: number, take: SymbolTaker): Promise<void> {
    const places = this.#places;
    for (let index = 0; index < references.length;) {
      const first = this.#groupOf(references[index]!);
      let end = first + 1;
      let after = index + 1;
      for (; after < references.length; after += 1) {
        const group = this.#groupOf(references[after]!);
        if (group < end) continue;
        if (places[group]! - places[end]! > gapBytesMax || places[group + 1]! - places[first]! > windowBytes) break;
        end = group + 1;
      }
      const from = places[first]!;
      const length = places[end]! - from;
      const bytes = await this.#source.read(this.#sourceAt + from, length);
      this.#take(references, index, after, bytes, first, take);
      index = after;
    }
  }

  /** The reference of the first symbol that is not below a text, if they ascend; above all others when there is none. */
  async lowerBound(text: Uint8Array): Promise<number> {
    let below = -1;
    let end = Math.ceil(this.count / sampleEvery);
    const one = new Uint32Array(1);
    let order = 0;
    const compare = async (reference: number): Promise<number> => {
      one[0] = reference;
      await this.read(one, 0, (_, { bytes, textFrom, to }) => {
        order = compareBytes(bytes, textFrom, to, text, 0, text.length);
      });
      return order;
    };
    while (below + 1 < end) {
      const middle = (below + end) >>> 1;
      if ((await compare(this.#referenceAt(this.#places[middle]!, middle * sampleEvery))) < 0) below = middle;
      else end = middle;
    }
    if (below < 0) return this.#referenceAt(this.#places[0] ?? 0, 0);
    return this.#walkTo(below, text);
  }

  /** The first symbol of a group, or of the next one, that is not below a text. */
  async #walkTo(group: number, text: Uint8Array): Promise<number> {
    const from = this.#places[group]!;
    const length = this.#places[group + 1]! - from;
    const bytes = await this.#source.read(this.#sourceAt + from, length);
    let ordinal = group * sampleEvery;
    let at = 0;
    for (; at < length; ordinal += 1) {
      const { textFrom, to } = this.#symbolAt(bytes, at, from);
      if (compareBytes(bytes, textFrom, to, text, 0, text.length) >= 0) break;
      at = to;
    }
    return this.#referenceAt(from + at, ordinal);
  }

  #referenceAt(place: number, ordinal: number): number {
    return this.#isByOffset ? this.#bodyAt + place : ordinal;
  }

  #groupOf(reference: number): number {
    if (!this.#isByOffset) return Math.floor(reference / sampleEvery);
    const place = reference - this.#bodyAt;
    let from = 0;
    let to = this.#places.length - 1;
    while (from + 1 < to) {
      const middle = (from + to) >>> 1;
      if (this.#places[middle]! <= place) from = middle;
      else to = middle;
    }
    return from;
  }

  /** Finds `references[index, after)` in bytes that begin with group `first`. */
  #take(
    references: Uint32Array,
    index: number,
    after: number,
    bytes: Uint8Array,
    first: number,
    take: SymbolTaker,
  ): void {
    const begin = this.#places[first]!;
    const symbol = { bytes, from: 0, textFrom: 0, to: 0 };
    let group = -1;
    let ordinal = 0;
    let at = 0;
    for (; index < after; index += 1) {
      const reference = references[index]!;
      const wanted = this.#groupOf(reference);
      if (wanted !== group) {
        group = wanted;
        ordinal = group * sampleEvery;
        at = this.#places[group]! - begin;
      }
      while (this.#referenceAt(begin + at, ordinal) < reference) {
        at = this.#symbolAt(bytes, at, begin).to;
        ordinal += 1;
      }
      if (this.#referenceAt(begin + at, ordinal) !== reference)
        throw this.#corruptAt(reference - this.#bodyAt, `no symbol begins there`);
      const { textFrom, to } = this.#symbolAt(bytes, at, begin);
      symbol.from = at;
      symbol.textFrom = textFrom;
      symbol.to = to;
      take(index, symbol);
    }
  }

  /** The symbols were in order when the index was opened; bytes may have changed since. */
  #symbolAt(bytes: Uint8Array, at: number, begin: number): { textFrom: number; to: number } {
    const textFrom = uvarintEndWithin(bytes, at, bytes.length);
    const to = textFrom < 0 ? -1 : textFrom + uvarintAt(bytes, at);
    if (to < 0 || to > bytes.length)
      throw this.#corruptAt(begin + at, 'symbol is not what it was when the index was opened');
    return { textFrom, to };
  }

  #corruptAt(place: number, found: string): BlockCorruptError {
    return new BlockCorruptError('INDEX', { file: this.#source.name, offset: this.#bodyAt + place }, found);
  }
}
