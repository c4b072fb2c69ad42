import { OtlpMalformedError } from './otlp-error.js';

/** Arrays and objects in each other: deeper ones are refused, since reading them recurses. */
const depthMax = 200;

/**
 * Reads JSON from front to back without building it up. The grammar is that of `JSON.parse`; numbers are given as their text, so that integers
 * beyond 2^53 stay whole.
 */
export class JsonCursor {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The first character of what comes next; empty at the end of the text. */
  peek(): string {
    for (;;) {
      const character = this.#text.charAt(this.#at);
      if (character !== ' ' && character !== '\n' && character !== '\r' && character !== '\t') return character;
      this.#at += 1;
    }
  }

  /** Reads an object: `field` is to read or skip the value of each field. */
  object(field: (name: string) => void): void {
    this.#list('{', '}', () => {
      const name = this.string();
      this.#take(':');
      field(name);
    });
  }

  /** Reads an array: `item` is to read or skip each item. */
  array(item: () => void): void {
    this.#list('[', ']', item);
  }

  string(): string {
    if (this.peek() !== '"') throw this.malformed('a string is missing');
    const start = this.#at;
    let isPlain = true;
    for (let at = start + 1; ; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        break;
      }
      if (!(code >= 0x20)) throw this.malformed('a string does not end'); // NaN at the end of the text.
      if (code === 0x5c) {
        isPlain = false;
        at += 1;
      }
    }
    if (isPlain) return this.#text.slice(start + 1, this.#at - 1);
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
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

  skip(): void {
    const next = this.peek();
    if (next === '{') this.object(() => this.skip());
    else if (next === '[') this.array(() => this.skip());
    else if (next === '"') this.string();
    else if (!this.word('true') && !this.word('false') && !this.word('null')) this.number();
  }

  end(): void {
    if (this.peek() !== '') throw this.malformed('text goes on after the end');
  }

  malformed(found: string, options?: ErrorOptions): OtlpMalformedError {
    return new OtlpMalformedError(this.#at, found, options);
  }

  #list(open: string, close: string, item: () => void): void {
    this.#take(open);
    if (this.#depth === depthMax) throw this.malformed('values are nested too deeply');
    this.#depth += 1;
    if (this.peek() !== close) {
      item();
      while (this.peek() === ',') {
        this.#at += 1;
        item();
      }
    }
    this.#take(close);
    this.#depth -= 1;
  }

  #take(character: string): void {
    if (this.peek() !== character) throw this.malformed(`${character} is missing`);
    this.#at += 1;
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
