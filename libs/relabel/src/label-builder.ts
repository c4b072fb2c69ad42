import { bytesOfEscaped, escapedText } from './escaped-text.js';

/** A label as it came: bytes that need not be UTF-8. */
export type LabelBytes = readonly [name: Buffer, value: Buffer];

/** Text and bytes of the same; made once for what rules name, and kept. */
export interface EncodedText {
  readonly text: string;
  readonly bytes: Buffer;
}

export function encodeText(text: string): EncodedText {
  return { text, bytes: bytesOfEscaped(text) };
}

/**
 * The labels of one series while rules change them. What no rule touches stays the bytes that came. A name that comes twice is read as its
 * first value and written as one; if no rule writes it, both stay for the receiver to refuse. Used for one series after another: `reset`.
 */
export class LabelBuilder {
  #base: readonly LabelBytes[] = [];
  /** By index in the base: whether the label is gone or replaced. */
  readonly #isGone: boolean[] = [];
  #isChanged = false;
  readonly #added: { name: EncodedText; value: EncodedText }[] = [];

  reset(base: readonly LabelBytes[]): void {
    this.#base = base;
    this.#added.length = 0;
    this.#isChanged = false;
    this.#isGone.length = base.length;
    for (let at = 0; at < base.length; at += 1) {
      // An empty value means that the label is not there.
      const isGone = base[at]![1].length === 0;
      this.#isGone[at] = isGone;
      if (isGone) this.#isChanged = true;
    }
  }

  /** The value of a label; empty where there is none. */
  get(name: EncodedText): string {
    for (const added of this.#added) if (added.name.text === name.text) return added.value.text;
    const at = this.#indexOf(name.bytes, 0);
    return at < 0 || this.#isGone[at]! ? '' : escapedText(this.#base[at]![1]);
  }

  /** An empty value deletes the label. */
  set(name: EncodedText, value: EncodedText): void {
    if (value.text === '') return this.delete(name);
    this.#removeBase(name);
    const known = this.#added.find((added) => added.name.text === name.text);
    if (known) known.value = value;
    else this.#added.push({ name, value });
    this.#isChanged = true;
  }

  delete(name: EncodedText): void {
    const at = this.#added.findIndex((added) => added.name.text === name.text);
    if (at >= 0) this.#added.splice(at, 1);
    this.#removeBase(name);
  }

  /** The labels there are now, copied: rules that walk them change them meanwhile. */
  entries(): { name: EncodedText; value: Buffer }[] {
    const entries: { name: EncodedText; value: Buffer }[] = [];
    for (let at = 0; at < this.#base.length; at += 1) {
      const [name, value] = this.#base[at]!;
      if (!this.#isGone[at]!) entries.push({ name: { text: escapedText(name), bytes: name }, value });
    }
    for (const { name, value } of this.#added) entries.push({ name, value: value.bytes });
    return entries;
  }

  /** The labels that came, the same array, if no rule changed them; else sorted by name. */
  labels(): readonly LabelBytes[] {
    if (!this.#isChanged) return this.#base;
    const labels = this.#base.filter((_, at) => !this.#isGone[at]!);
    for (const { name, value } of this.#added) labels.push([name.bytes, value.bytes]);
    return labels.sort((a, b) => compareBytes(a[0], b[0]));
  }

  #removeBase(name: EncodedText): void {
    for (let at = this.#indexOf(name.bytes, 0); at >= 0; at = this.#indexOf(name.bytes, at + 1)) {
      this.#isGone[at] = true;
      this.#isChanged = true;
    }
  }

  #indexOf(name: Buffer, from: number): number {
    const base = this.#base;
    for (let at = from; at < base.length; at += 1) if (isSame(base[at]![0], name)) return at;
    return -1;
  }
}

/** Names are short and mostly of different lengths: a loop beats a call into the runtime. */
function isSame(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** As above: names differ early, mostly. */
function compareBytes(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const order = a[at]! - b[at]!;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
