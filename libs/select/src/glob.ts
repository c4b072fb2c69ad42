/** A text with gaps: `texts` in this order, with at least `least[i]` (0 or 1) characters of any kind between `texts[i]` and `texts[i + 1]`. */
export interface Glob {
  readonly texts: readonly string[];
  readonly least: readonly number[];
}

/** Characters and gaps that may be put together for an expression, beside its own length: `[ab][ab][ab]...` multiplies them. */
const joinedSizeMax = 128 * 1024;
const depthMax = 50;

/**
 * The alternatives of a simple expression: texts, `.*`, `.+`, groups, alternatives, small classes like `[abc]` or `[0-9]`, and `?`. Undefined for one that
 * needs an engine, also to be told what is wrong with it.
 */
export function globsOf(expression: string): Glob[] | undefined {
  const reader = new GlobReader(expression);
  const globs = reader.alternatives(0);
  return reader.isAtEnd ? globs : undefined;
}

/** Every text is looked for at its first place: what comes later then has the most room. */
export function matchesGlob({ texts, least }: Glob, value: string): boolean {
  const last = texts.length - 1;
  if (!value.startsWith(texts[0]!)) return false;
  let at = texts[0]!.length;
  if (last === 0) return at === value.length;
  for (let index = 1; index < last; index += 1) {
    const found = value.indexOf(texts[index]!, at + least[index - 1]!);
    if (found < 0) return false;
    at = found + texts[index]!.length;
  }
  return at + least[last - 1]! + texts[last]!.length <= value.length && value.endsWith(texts[last]!);
}

const nothing: Glob = { texts: [''], least: [] };

/** Reads from left to right. What it returns is undefined as soon as the expression has turned out not to be simple. */
class GlobReader {
  readonly #expression: string;
  #at = 0;
  #room: number;

  constructor(expression: string) {
    this.#expression = expression;
    this.#room = joinedSizeMax + expression.length;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#expression.length;
  }

  alternatives(depth: number): Glob[] | undefined {
    if (depth > depthMax) return undefined;
    const all: Glob[] = [];
    for (;;) {
      const globs = this.#sequence(depth);
      if (globs === undefined) return undefined;
      for (const glob of globs) all.push(glob);
      if (this.#expression[this.#at] !== '|') return all;
      this.#at += 1;
    }
  }

  #sequence(depth: number): Glob[] | undefined {
    // Whole values are matched: `^` and `$` at the ends of an outermost alternative say what holds anyway.
    if (depth === 0) this.#take(/\^(?![*+?{])/y);
    let sequence: Glob[] | undefined = [nothing];
    while (sequence !== undefined && !this.#isAfterSequence(depth)) {
      const piece = this.#piece(depth);
      sequence = piece && (sequence.length === 1 && sequence[0] === nothing ? piece : this.#product(sequence, piece));
    }
    return sequence;
  }

  #isAfterSequence(depth: number): boolean {
    if (depth === 0) this.#take(/\$(?=\||$)/y);
    return this.isAtEnd || '|)'.includes(this.#expression[this.#at]!);
  }

  #piece(depth: number): Glob[] | undefined {
    const char = this.#expression[this.#at]!;
    if (char === '.') return this.#gap();
    if (char === '(') return this.#optional(this.#group(depth));
    if (char === '[') return this.#optional(this.#class());
    return this.#text();
  }

  #gap(): Glob[] | undefined {
    // A gap may be lazy: what it takes does not matter.
    const [taken, repeat] = this.#take(/\.([*+])\??(?![*+?{])/y);
    return taken === undefined ? undefined : [{ texts: ['', ''], least: [repeat === '+' ? 1 : 0] }];
  }

  #group(depth: number): Glob[] | undefined {
    if (this.#take(/\((?:\?:|(?!\?))/y)[0] === undefined) return undefined;
    const globs = this.alternatives(depth + 1);
    return this.#take(/\)(?![*+{])/y)[0] === undefined ? undefined : globs;
  }

  #class(): Glob[] | undefined {
    const [taken, members] = this.#take(/\[((?:[0-9A-Za-z]-[0-9A-Za-z]|[^-^[\]\\&~])+)\](?![*+{])/uy);
    if (taken === undefined) return undefined;
    const texts: string[] = [];
    for (const [member] of members!.matchAll(/.-.|./gsu)) {
      const [from, to] = [member.codePointAt(0)!, member.length === 3 && member[1] === '-' ? member.charCodeAt(2) : -1];
      if (to >= 0 && to < from) return undefined;
      for (let code = from; code <= Math.max(from, to); code += 1) texts.push(String.fromCodePoint(code));
    }
    return texts.map(textGlob);
  }

  /** A run of plain characters; its last one is left for the next piece where a repetition follows it. */
  #text(): Glob[] | undefined {
    const [run] = this.#take(/(?:[^\\.+*?()|[\]{}^$]|\\[!-/:-@[-`{-~])+/uy);
    if (run === undefined) return undefined;
    const next = this.#expression[this.#at] ?? '';
    const parts = run.match(/\\?[^]/gu)!;
    if ('*+{'.includes(next) && next !== '') return undefined;
    if (next !== '?') return [textGlob(unescaped(parts))];
    const optional = this.#optional([textGlob(unescaped(parts.slice(-1)))]);
    return optional && this.#product([textGlob(unescaped(parts.slice(0, -1)))], optional);
  }

  #optional(globs: Glob[] | undefined): Glob[] | undefined {
    if (globs === undefined || this.#expression[this.#at] !== '?') return globs;
    return this.#take(/\?(?![*+?{])/y)[0] === undefined ? undefined : [...globs, nothing];
  }

  #product(left: readonly Glob[], right: readonly Glob[]): Glob[] | undefined {
    const all: Glob[] = [];
    for (const a of left) {
      for (const b of right) {
        const joined = join(a, b);
        if (joined === undefined) return undefined;
        this.#room -= joined.texts.reduce((size, text) => size + text.length + 1, 0);
        if (this.#room < 0) return undefined;
        all.push(joined);
      }
    }
    return all;
  }

  #take(pattern: RegExp): string[] | [] {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#expression);
    if (match === null) return [];
    this.#at = pattern.lastIndex;
    return match;
  }
}

function textGlob(text: string): Glob {
  return { texts: [text], least: [] };
}

function unescaped(parts: readonly string[]): string {
  return parts.map((part) => (part.length > 1 && part.startsWith('\\') ? part.slice(1) : part)).join('');
}

/** One behind the other. Gaps that meet become one; of two that each want a character nothing is made, since characters may be two units long. */
function join(a: Glob, b: Glob): Glob | undefined {
  const middle = a.texts.at(-1)! + b.texts[0]!;
  if (middle !== '' || a.least.length === 0 || b.least.length === 0)
    return { texts: [...a.texts.slice(0, -1), middle, ...b.texts.slice(1)], least: [...a.least, ...b.least] };
  const gap = a.least.at(-1)! + b.least[0]!;
  if (gap > 1) return undefined;
  return {
    texts: [...a.texts.slice(0, -1), ...b.texts.slice(1)],
    least: [...a.least.slice(0, -1), gap, ...b.least.slice(1)],
  };
}
