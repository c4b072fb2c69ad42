/**
 * JSON with what `JSON.parse` drops: numbers keep their text, so that `1.0` and integers beyond 2^53 can be told apart, and objects
 * keep all their fields in order, repeated ones as well. The grammar is that of `JSON.parse`.
 */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;

export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class JsonObject {
  readonly fields: readonly (readonly [string, Json])[];
  constructor(fields: readonly (readonly [string, Json])[]) {
    this.fields = fields;
  }
}

/** Deeper nesting is refused: parsing recurses. */
const depthMax = 200;

/** The text is no JSON, or nested too deeply. `offset` counts UTF-16 units of the text. */
export class JsonSyntaxError extends Error {
  readonly offset: number;
  constructor(offset: number, found: string) {
    super(found);
    this.offset = offset;
  }
}

/** @throws JsonSyntaxError */
export function parseJson(text: string): Json {
  const parser = new JsonParser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class JsonParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > depthMax) throw this.#error('nested too deeply');
    switch (this.#peek()) {
      case '{':
        return new JsonObject(this.#list('}', () => this.#field(depth)));
      case '[':
        return this.#list(']', () => this.value(depth + 1));
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  end(): void {
    if (this.#peek() !== undefined) throw this.#error('text goes on after the top-level value');
  }

  #field(depth: number): readonly [string, Json] {
    if (this.#peek() !== '"') throw this.#error('field name expected');
    const name = this.#string();
    if (this.#peek() !== ':') throw this.#error('colon expected');
    this.#at += 1;
    return [name, this.value(depth + 1)];
  }

  #list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    this.#at += 1;
    if (this.#peek() === close) {
      this.#at += 1;
      return items;
    }
    for (;;) {
      items.push(item());
      const next = this.#peek();
      if (next !== ',' && next !== close) throw this.#error(`comma or ${close} expected`);
      this.#at += 1;
      if (next === close) return items;
    }
  }

  /** Half a surrogate pair has no UTF-8 form; it reads as U+FFFD. */
  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#error('string expected');
    this.#at += 1;
    // One pattern for all of it would keep a place to come back to for each character, and end the stack in a long string.
    do this.#match(/[^"\\\u0000-\u001f]*/y);
    while (this.#match(/\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y) !== undefined);
    if (this.#text[this.#at] !== '"') {
      this.#at = start;
      throw this.#error('string expected');
    }
    this.#at += 1;
    return (JSON.parse(this.#text.slice(start, this.#at)) as string).replace(/\p{Surrogate}/gu, '\ufffd');
  }

  #number(): JsonNumber {
    const literal = this.#match(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    if (literal === undefined) throw this.#error('value expected');
    return new JsonNumber(literal);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error('value expected');
    this.#at += word.length;
    return value;
  }

  /** The next character that is not white space. */
  #peek(): string | undefined {
    this.#match(/[ \t\r\n]*/y);
    return this.#text[this.#at];
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #error(found: string): JsonSyntaxError {
    return new JsonSyntaxError(this.#at, this.#at === this.#text.length ? 'the text ends early' : found);
  }
}
