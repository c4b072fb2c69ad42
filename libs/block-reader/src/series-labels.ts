import type { EntryBatch } from './entry-batch.js';
import { grownBytes, grownUint32 } from './grown.js';
import type { SymbolTexts } from './symbol-texts.js';

/** Label tag and length, name tag, value tag: with the two lengths that symbols bring along. */
const labelBytesMore = 1 + 5 + 1 + 1;

/**
 * The canonical labels of one series after another. What a series has in common with the one before it, from its first label on, is there already: most
 * series of a block differ in their last labels only.
 */
export class SeriesLabels {
  readonly #texts: SymbolTexts;
  #bytes: Uint8Array = new Uint8Array(1024);
  /** References of the series before, and where each of its labels begins. */
  #symbols: Uint32Array = new Uint32Array(64);
  #labelAt: Uint32Array = new Uint32Array(33);
  #length = 0;

  constructor(texts: SymbolTexts) {
    this.#texts = texts;
  }

  /** A view that the next call overwrites. */
  of({ symbols, labelAt }: EntryBatch, entry: number): Uint8Array {
    const from = labelAt[entry]!;
    const length = labelAt[entry + 1]! - from;
    this.#symbols = grownUint32(this.#symbols, length);
    this.#labelAt = grownUint32(this.#labelAt, length / 2 + 1);
    const before = this.#symbols;
    const common = Math.min(length, this.#length);
    let k = 0;
    while (k < common && before[k] === symbols[from + k] && before[k + 1] === symbols[from + k + 1]) k += 2;
    let at = k === 0 ? 0 : this.#labelAt[k / 2]!;
    for (; k < length; k += 2) {
      at = this.#append(at, symbols[from + k]!, symbols[from + k + 1]!);
      before[k] = symbols[from + k]!;
      before[k + 1] = symbols[from + k + 1]!;
      this.#labelAt[k / 2 + 1] = at;
    }
    this.#length = length;
    return this.#bytes.subarray(0, at);
  }

  #append(at: number, nameReference: number, valueReference: number): number {
    const texts = this.#texts;
    const name = texts.indexOf(nameReference);
    const value = texts.indexOf(valueReference);
    const length = 2 + texts.lengthAt(name) + texts.lengthAt(value);
    this.#bytes = grownBytes(this.#bytes, at + labelBytesMore + length);
    const bytes = this.#bytes;
    bytes[at++] = 0x0a;
    let rest = length;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    bytes[at++] = 0x0a;
    at = texts.copy(name, bytes, at);
    bytes[at++] = 0x12;
    return texts.copy(value, bytes, at);
  }
}
