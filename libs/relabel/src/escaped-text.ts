/**
 * Text of bytes that need not be UTF-8. A byte that belongs to no valid sequence becomes the lone surrogate U+DC00 + byte (so U+DC80 to
 * U+DCFF), which no valid text holds, and becomes that byte again: nothing is lost on the way through a regular expression. As in Go,
 * each such byte is a character of its own.
 */
export function escapedText(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  // Nearly all names and values are ASCII, for which Latin-1 is the same and faster.
  return notAscii.test(text) ? decode(bytes) : text;
}

export function bytesOfEscaped(text: string): Buffer {
  if (!loneSurrogate.test(text)) return Buffer.from(text, 'utf8');
  return Buffer.concat(
    text
      .split(loneSurrogateKept)
      .map((part) => (loneSurrogate.test(part) ? Buffer.from([part.charCodeAt(0) & 0xff]) : Buffer.from(part, 'utf8'))),
  );
}

/** Whether the text stands for bytes that are UTF-8. */
export function isUtf8(text: string): boolean {
  return !loneSurrogate.test(text);
}

const notAscii = /[^\x00-\x7f]/;
const loneSurrogate = /\p{Surrogate}/u;
const loneSurrogateKept = /(\p{Surrogate})/u;

function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // The decoder puts U+FFFD where it finds no character: without one all was valid.
  if (!text.includes('\ufffd')) return text;
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    out += length === 0 ? String.fromCharCode(0xdc00 + bytes[at]!) : bytes.toString('utf8', at, at + length);
    at += length || 1;
  }
  return out;
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 where there is none. Overlong forms and encoded surrogates are not valid. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let next = 2; next < length; next += 1) if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
