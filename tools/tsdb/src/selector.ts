import type { Labels } from '@gauntlet/model';
import { BadArgument } from './tsdb-arguments.js';

export type Selector = (labels: Labels) => boolean;

interface Matcher {
  readonly name: string;
  readonly accepts: (value: string) => boolean;
}

const token = /\s*(?:([{},])|(=~|!~|!=|=)|([a-zA-Z_:][a-zA-Z0-9_:]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`))/y;

/**
 * Reads a selector such as `up{job=~"a.*", "my.label"!="b"}`. A label that is missing is empty. Patterns match the whole value; they
 * are JavaScript's, which agree with RE2 but for rare features.
 * @throws BadArgument
 */
export function parseSelector(text: string): Selector {
  const refuse = (found: string): BadArgument => new BadArgument(`Cannot use --match=${text}: ${found}`);
  const tokens = tokensOf(text, refuse);
  const matchers: Matcher[] = [];
  let at = 0;
  const equal = (name: string, value: string): void =>
    void matchers.push({ name, accepts: (found) => found === value });
  if (tokens[at]?.kind === 'name') equal('__name__', tokens[at++]!.text);
  if (tokens[at]?.text === '{') {
    at += 1;
    while (tokens[at]?.text !== '}') {
      const name = tokens[at++];
      if (name === undefined || (name.kind !== 'name' && name.kind !== 'string'))
        throw refuse('a label name was expected');
      if (tokens[at]?.kind === 'operator') {
        const operator = tokens[at++]!.text;
        const value = tokens[at++];
        if (value?.kind !== 'string') throw refuse('a quoted value was expected');
        matchers.push({ name: name.text, accepts: acceptsOf(operator, value.text, refuse) });
      } else if (name.kind === 'string') equal('__name__', name.text);
      else throw refuse('an operator was expected');
      if (tokens[at]?.text === ',') at += 1;
      else if (tokens[at]?.text !== '}') throw refuse('it does not end with }');
    }
    at += 1;
  }
  if (at < tokens.length || matchers.length === 0) throw refuse('it is no series selector');
  return (labels) =>
    matchers.every(({ name, accepts }) => accepts(labels.find((label) => label.name === name)?.value ?? ''));
}

function acceptsOf(
  operator: string,
  value: string,
  refuse: (found: string) => BadArgument,
): (found: string) => boolean {
  if (operator === '=') return (found) => found === value;
  if (operator === '!=') return (found) => found !== value;
  try {
    const pattern = new RegExp(`^(?:${value.replace(/^\(\?s:(.*)\)$/s, '$1')})$`, 'su');
    return operator === '=~' ? (found) => pattern.test(found) : (found) => !pattern.test(found);
  } catch {
    throw refuse(`${value} is no regular expression`);
  }
}

interface Token {
  readonly kind: 'mark' | 'operator' | 'name' | 'string';
  readonly text: string;
}

function tokensOf(text: string, refuse: (found: string) => BadArgument): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (token.lastIndex = 0; token.lastIndex < end;) {
    const from = token.lastIndex;
    const [, mark, operator, name, literal] = token.exec(text) ?? [];
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (literal !== undefined) tokens.push({ kind: 'string', text: unquote(literal) });
    else throw refuse(`it cannot be read from character ${from + 1} on`);
  }
  return tokens;
}

const simple: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body;
  return body.replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
    code.length > 1 ? String.fromCodePoint(parseInt(code.slice(1), 16)) : (simple[code] ?? code),
  );
}
