import type { SampledSymbols } from '@gauntlet/block';
import { grownBytes, grownUint32 } from './grown.js';

/** When symbols of so many windows have come together, those that the next series do not need are dropped. */
const windowsMax = 4;

/**
 * Symbols by reference, as bytes with their length before them: which is how a label of canonical form holds its name and its value. Open addressing over
 * typed arrays: no symbol becomes a string.
 */
export class SymbolTexts {
  readonly #symbols: SampledSymbols;
  readonly #windowBytes: number;
  /** Index + 1 of the symbol, or 0 for an empty slot. A power of two, at most half full. */
  #slots = new Uint32Array(1024);
  #references: Uint32Array = new Uint32Array(512);
  #starts: Uint32Array = new Uint32Array(513);
  #count = 0;
  #slab: Uint8Array = new Uint8Array(16 * 1024);
  #missing: Uint32Array = new Uint32Array(64);

  constructor(symbols: SampledSymbols, windowBytes: number) {
    this.#symbols = symbols;
    this.#windowBytes = windowBytes;
  }

  /** Makes sure that all of `references[0, length)` are here. */
  async load(references: Uint32Array, length: number): Promise<void> {
    if (this.#starts[this.#count]! > windowsMax * this.#windowBytes) this.#clear();
    const first = this.#count;
    for (let k = 0; k < length; k += 1) this.#intern(references[k]!);
    const count = this.#count - first;
    if (count === 0) return;
    this.#missing = grownUint32(this.#missing, count);
    const missing = this.#missing.subarray(0, count);
    missing.set(this.#references.subarray(first, this.#count));
    missing.sort();
    // They come in this order, so this is the one in which they are counted.
    this.#references.set(missing, first);
    this.#hashAll();
    try {
      await this.#symbols.read(missing, this.#windowBytes, (index, { bytes, from, to }) => {
        const at = this.#starts[first + index]!;
        this.#slab = grownBytes(this.#slab, at + to - from);
        for (let k = from; k < to; k += 1) this.#slab[at + k - from] = bytes[k]!;
        this.#starts[first + index + 1] = at + to - from;
      });
    } catch (error) {
      this.#clear();
      throw error;
    }
  }

  /** The index of a symbol that has been loaded. */
  indexOf(reference: number): number {
    return this.#slots[this.#slotOf(reference)]! - 1;
  }

  lengthAt(index: number): number {
    return this.#starts[index + 1]! - this.#starts[index]!;
  }

  /** Copies a symbol with its length to `at`; gives the place behind it. */
  copy(index: number, into: Uint8Array, at: number): number {
    const slab = this.#slab;
    const end = this.#starts[index + 1]!;
    for (let from = this.#starts[index]!; from < end; from += 1, at += 1) into[at] = slab[from]!;
    return at;
  }

  #intern(reference: number): void {
    const slot = this.#slotOf(reference);
    if (this.#slots[slot] !== 0) return;
    this.#references = grownUint32(this.#references, this.#count + 1);
    this.#starts = grownUint32(this.#starts, this.#count + 2);
    this.#references[this.#count] = reference;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    if (2 * this.#count > this.#slots.length) this.#hashAll();
  }

  #slotOf(reference: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (Math.imul(reference, 0x9e3779b1) >>> 12) & mask;
    while (slots[slot] !== 0 && this.#references[slots[slot]! - 1] !== reference) slot = (slot + 1) & mask;
    return slot;
  }

  #hashAll(): void {
    if (2 * this.#count > this.#slots.length) this.#slots = new Uint32Array(this.#slots.length * 2);
    else this.#slots.fill(0);
    for (let index = 0; index < this.#count; index += 1)
      this.#slots[this.#slotOf(this.#references[index]!)] = index + 1;
  }

  #clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
    // Starts are counted from 0 again. A slab that long symbols have made large is not kept.
    if (this.#slab.length > 2 * windowsMax * this.#windowBytes) this.#slab = new Uint8Array(16 * 1024);
  }
}
