/**
 * Tenant patterns, which match a whole name by Unicode code points (spec/receive.md 3.4):
 *
 * ```
 * pattern = { term }
 * term    = '*'                any run of characters other than '/'
 *         | '?'                one character other than '/'
 *         | '[' [ '^' ] range { range } ']'
 *         | '\' character | character
 * range   = char | char '-' char          char is one character, or '\' and one; never a bare '-' or ']'
 * ```
 */
export type Glob = (name: string) => boolean;

type Term = { readonly kind: 'star' } | { readonly kind: 'one'; readonly matches: (char: string) => boolean };

/** @returns undefined when the pattern is malformed */
export function compileGlob(pattern: string): Glob | undefined {
  const terms = parseTerms([...pattern]);
  return terms && ((name) => matchTerms(terms, [...name]));
}

function parseTerms(chars: readonly string[]): Term[] | undefined {
  const terms: Term[] = [];
  let at = 0;

  /** One end of a range; undefined where the pattern is malformed. */
  function rangeEnd(): number | undefined {
    if (chars[at] === '\\') at += 1;
    else if (chars[at] === '-' || chars[at] === ']') return undefined;
    return chars[at++]?.codePointAt(0);
  }
  function charClass(): Term | undefined {
    const negated = chars[at] === '^';
    if (negated) at += 1;
    const ranges: [number, number][] = [];
    while (chars[at] !== ']' || ranges.length === 0) {
      const from = rangeEnd();
      if (from === undefined) return undefined;
      let to: number | undefined = from;
      if (chars[at] === '-') {
        at += 1;
        to = rangeEnd();
        if (to === undefined) return undefined;
      }
      ranges.push([from, to]);
    }
    at += 1;
    return {
      kind: 'one',
      matches: (char) =>
        ranges.some(
          ([from, to]) => from <= (char.codePointAt(0) as number) && (char.codePointAt(0) as number) <= to,
        ) !== negated,
    };
  }

  while (at < chars.length) {
    const char = chars[at++] as string;
    if (char === '*') terms.push({ kind: 'star' });
    else if (char === '?') terms.push({ kind: 'one', matches: (c) => c !== '/' });
    else if (char === '[') {
      const term = charClass();
      if (!term) return undefined;
      terms.push(term);
    } else {
      const literal = char === '\\' ? chars[at++] : char;
      if (literal === undefined) return undefined;
      terms.push({ kind: 'one', matches: (c) => c === literal });
    }
  }
  return terms;
}

/** On a misfit the last star takes one character more; earlier stars never need a second try. */
function matchTerms(terms: readonly Term[], name: readonly string[]): boolean {
  let term = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length || term < terms.length) {
    const current = terms[term];
    if (current?.kind === 'star') {
      star = term++;
      starAt = at;
    } else if (current && at < name.length && current.matches(name[at] as string)) {
      term += 1;
      at += 1;
    } else if (star >= 0 && starAt < name.length && name[starAt] !== '/') {
      starAt += 1;
      at = starAt;
      term = star + 1;
    } else {
      return false;
    }
  }
  return true;
}
