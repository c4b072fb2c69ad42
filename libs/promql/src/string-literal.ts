/** What is wrong with a literal; where it stands is added by whoever reads the query. */
export class StringSyntaxError extends SyntaxError {}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** One character, or an escape: of a character, of a byte in hex or octal digits, or of a code point. */
const pieces = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))|[^]/gu;

/**
 * The value of a string literal: between backticks it is taken as it stands, between quotes escapes are those of Go. Escaped bytes make up characters
 * together; those that are no UTF-8 become replacement characters, since label values have no other bytes.
 * @throws StringSyntaxError
 */
export function unquote(literal: string): string {
  const quote = literal[0]!;
  const inner = literal.slice(1, -1);
  if (literal.length < 2 || !literal.endsWith(quote)) throw new StringSyntaxError('unterminated quoted string');
  if (quote === '`') return inner;
  if (inner.includes('\n')) throw new StringSyntaxError('unterminated quoted string');
  const bytes: Uint8Array[] = [];
  for (const [piece, hex, octal, unit, codePoint, char] of inner.matchAll(pieces)) {
    if (hex !== undefined || octal !== undefined) bytes.push(byteOf(parseInt(hex ?? octal!, hex ? 16 : 8)));
    else if (unit !== undefined || codePoint !== undefined) bytes.push(encoder.encode(charOf((unit ?? codePoint)!)));
    else bytes.push(encoder.encode(char === undefined ? piece : escaped(char, quote)));
  }
  return decoder.decode(joinBytes(bytes));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function byteOf(value: number): Uint8Array {
  if (value > 0xff) throw new StringSyntaxError('octal escape value > 255');
  return Uint8Array.of(value);
}

function charOf(digits: string): string {
  const code = parseInt(digits, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    throw new StringSyntaxError('escape sequence is an invalid Unicode code point');
  return String.fromCodePoint(code);
}

function escaped(char: string, quote: string): string {
  const value = char === quote ? char : simpleEscapes[char];
  if (value === undefined) throw new StringSyntaxError(`unknown escape sequence ${JSON.stringify(`\\${char}`)}`);
  return value;
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
