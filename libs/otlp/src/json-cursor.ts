import { KiB, MiB } from '@gauntlet/base';
import { OtlpMalformedError, OtlpTooLargeError } from './otlp-error.js';
import { strideBytes } from './steps.js';

/** Arrays and objects in each other: deeper ones are refused. */
const depthMax = 200;

/** Longer strings would take too long in one step; and nothing that is taken is as long. */
const stringBytesMax = 1 * MiB;

/** White space in one place. */
const spaceBytesMax = 64 * KiB;

/** Digits in a row: those of any double are fewer. */
export const numberCharactersMax = 1 * KiB;

/**
 * Reads JSON from front to back without building it up. The grammar is that of `JSON.parse`; numbers are given as their text, so that integers
 * beyond 2^53 stay whole. Texts are UTF-8, one byte to a character (`latin1`): so a body is no larger in memory than it came, and only
 * strings that need it are decoded.
 */
export class JsonCursor {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #strideEnd = strideBytes;

  constructor(body: Buffer) {
    this.#text = body.toString('latin1');
  }

  /** Whether much has been read since this was last true. */
  endsStride(): boolean {
    if (this.#at < this.#strideEnd) return false;
    this.#strideEnd = this.#at + strideBytes;
    return true;
  }

  /** The first character of what comes next; empty at the end of the text. */
  peek(): string {
    for (const last = this.#at + spaceBytesMax; this.#at <= last; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.#text.charAt(this.#at);
    }
    throw this.malformed('white space is too long');
  }

  /** Begins an object or an array, whose items `nextItem` finds. */
  enter(open: '{' | '['): void {
    this.#take(open);
    if (this.#depth === depthMax) throw this.malformed('values are nested too deeply');
    this.#depth += 1;
  }

  /** Whether there is another item, which is to be read next. If not, the list has ended. */
  nextItem(close: '}' | ']', isFirst: boolean): boolean {
    const next = this.peek();
    if (isFirst ? next !== close : next === ',') {
      if (!isFirst) this.#at += 1;
      return true;
    }
    this.#take(close);
    this.#depth -= 1;
    return false;
  }

  /** The name of a field, whose value is to be read next. */
  name(): string {
    const name = this.string();
    this.#take(':');
    return name;
  }

  /** A string in UTF-8; what is no UTF-8 there becomes U+FFFD. */
  string(): string {
    if (this.peek() !== '"') throw this.malformed('a string is missing');
    const start = this.#at;
    const { end, isPlain, isAscii } = this.#endOfString(start + 1);
    this.#at = end;
    if (isPlain && isAscii) return this.#text.slice(start + 1, end - 1);
    const text = Buffer.from(this.#text.slice(start, end), 'latin1').toString();
    try {
      const content = isPlain ? text.slice(1, -1) : (JSON.parse(text) as string);
      return Buffer.from(content).toString('latin1');
    } catch (error) {
      this.#at = start;
      throw this.malformed('a string has an illegal escape', { cause: error });
    }
  }

  /** The text of a number. */
  number(): string {
    this.peek();
    numberPattern.lastIndex = this.#at;
    const found = numberPattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.malformed('a value is missing');
    this.#at += found.length;
    return found;
  }

  /** Reads one of `true`, `false` and `null`, if it comes next. */
  word(word: 'true' | 'false' | 'null'): boolean {
    if (this.peek() !== word[0] || !this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  /** Skips a value that is neither an object nor an array. */
  skipScalar(): void {
    if (this.peek() === '"') this.string();
    else if (!this.word('true') && !this.word('false') && !this.word('null')) this.number();
  }

  end(): void {
    if (this.peek() !== '') throw this.malformed('text goes on after the end');
  }

  malformed(found: string, options?: ErrorOptions): OtlpMalformedError {
    return new OtlpMalformedError(this.#at, found, options);
  }

  /** Where the string ends whose content begins at `at`, and what is in it. */
  #endOfString(start: number): { end: number; isPlain: boolean; isAscii: boolean } {
    let isPlain = true;
    let isAscii = true;
    const last = start + stringBytesMax;
    for (let at = start; at <= last; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) return { end: at + 1, isPlain, isAscii };
      if (!(code >= 0x20)) throw this.malformed('a string does not end'); // NaN at the end of the text.
      if (code >= 0x80) isAscii = false;
      if (code === 0x5c) {
        isPlain = false;
        at += 1;
      }
    }
    throw new OtlpTooLargeError(`a string is longer than ${stringBytesMax} bytes`);
  }

  #take(character: string): void {
    if (this.peek() !== character) throw this.malformed(`${character} is missing`);
    this.#at += 1;
  }
}

/** Long runs of digits would be gone through at a time; no number needs them. */
const digits = `[0-9]{0,${numberCharactersMax}}`;
const numberPattern = new RegExp(`-?(?:0|[1-9]${digits})(?:\\.[0-9]${digits})?(?:[eE][+-]?[0-9]${digits})?`, 'y');
