/**
 * JSON as hashring files need it read: numbers keep their text (`2.0` is no integer there), and an object keeps every entry
 * in file order (keys match in any case, and the last one wins). `JSON.parse` forgets both, but judges the syntax for us.
 */
export type Json = null | boolean | string | JsonNumber | JsonObject | readonly Json[];

export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class JsonObject {
  readonly entries: readonly (readonly [key: string, value: Json])[];
  constructor(entries: readonly (readonly [string, Json])[]) {
    this.entries = entries;
  }

  /** The last value under that key, in any case; null, as in the file, means not set. */
  get(key: string): Json {
    return this.entries.findLast(([name]) => name.toLowerCase() === key)?.[1] ?? null;
  }
}

/** @throws SyntaxError */
export function readJson(text: string): Json {
  JSON.parse(text);
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}]|-?\d[\d.eE+-]*|true|false|null/g) ?? [];
  let next = 0;
  const take = (): string => tokens[next++] as string;

  function value(): Json {
    const token = take();
    switch (token[0]) {
      case '{':
        return object();
      case '[':
        return list();
      case '"':
        return string(token);
      case 't':
        return true;
      case 'f':
        return false;
      case 'n':
        return null;
      default:
        return new JsonNumber(token);
    }
  }
  function list(): Json[] {
    const items: Json[] = [];
    while (tokens[next] !== ']') items.push(value());
    next += 1;
    return items;
  }
  function object(): JsonObject {
    const entries: [string, Json][] = [];
    while (tokens[next] !== '}') entries.push([string(take()), value()]);
    next += 1;
    return new JsonObject(entries);
  }
  return value();
}

/** Half a surrogate pair has no UTF-8 form; it reads as U+FFFD. */
function string(token: string): string {
  return (JSON.parse(token) as string).replace(/\p{Surrogate}/gu, '\ufffd');
}
