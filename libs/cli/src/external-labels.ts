/** One external label: what names this process in its blocks. */
export interface ExternalLabel {
  readonly name: string;
  readonly value: string;
}

/** A start that cannot go on for what the flags say; the message has the words of Thanos. */
export class ConfigError extends Error {}

/** Reads the `--label` flags, sorted by name. The value is a quoted Go literal (spec receive 1.1). Throws `ConfigError`. */
export function parseExternalLabels(texts: readonly string[]): ExternalLabel[] {
  const labels = texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals < 0) throw new ConfigError(`parse labels: unrecognized label ${JSON.stringify(text)}`);
    const value = unquote(text.slice(equals + 1));
    if (value === undefined) throw new ConfigError('parse labels: unquote label value: invalid syntax');
    return { name: text.slice(0, equals), value };
  });
  if (labels.length === 0) {
    throw new ConfigError(
      'no external labels configured for receive, uniquely identifying external labels must be configured (ideally with `receive_` prefix); see https://thanos.io/tip/thanos/storage.md#external-labels for details.',
    );
  }
  return labels.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** The text of a Go string or character literal, or undefined for anything else. */
function unquote(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined;
  const inner = literal.slice(1, -1);
  if (quote === '`') return inner.includes('`') ? undefined : inner.replaceAll('\r', '');
  if (quote !== '"' && quote !== "'") return undefined;
  const bytes: Buffer[] = [];
  let characters = 0;
  for (let at = 0; at < inner.length; characters += 1) {
    const rest = inner.slice(at);
    if (rest[0] === quote || rest[0] === '\n') return undefined;
    if (rest[0] !== '\\') {
      const character = String.fromCodePoint(rest.codePointAt(0)!);
      bytes.push(Buffer.from(character));
      at += character.length;
      continue;
    }
    const escape = readEscape(rest, quote);
    if (!escape) return undefined;
    bytes.push(escape.bytes);
    at += escape.length;
  }
  if (quote === "'" && characters !== 1) return undefined;
  return Buffer.concat(bytes).toString('utf8');
}

function readEscape(rest: string, quote: string): { bytes: Buffer; length: number } | undefined {
  const simple = simpleEscapes[rest[1] ?? ''];
  // Each kind of literal may escape its own quote only.
  if (simple !== undefined)
    return /['"]/.test(simple) && simple !== quote ? undefined : { bytes: Buffer.from(simple), length: 2 };
  const byte = /^\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))/.exec(rest);
  if (byte) {
    const value = byte[1] === undefined ? parseInt(byte[2]!, 8) : parseInt(byte[1], 16);
    return value > 255 ? undefined : { bytes: Buffer.from([value]), length: byte[0].length };
  }
  const point = /^\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
  if (!point) return undefined;
  const value = parseInt(point[1] ?? point[2]!, 16);
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return undefined;
  return { bytes: Buffer.from(String.fromCodePoint(value)), length: point[0].length };
}
