/**
 * Upper and lower case as Go has them: each character by itself, to one character. JavaScript's methods know more: they write `SS` for
 * `ß`, and end a Greek word with another letter. Bytes that are not UTF-8 become U+FFFD, as in Go, unless the text is all ASCII.
 */
export function upperCase(text: string): string {
  return mapCharacters(text, simpleUpper);
}

export function lowerCase(text: string): string {
  return mapCharacters(text, simpleLower);
}

function mapCharacters(text: string, map: (character: string) => string): string {
  let out = '';
  for (const character of text) out += isLoneSurrogate(character) ? '\ufffd' : map(character);
  return out;
}

function simpleUpper(character: string): string {
  const upper = character.toUpperCase();
  if (isOneCharacter(upper)) return upper;
  // What becomes several characters has in most cases no counterpart of one; Greek letters with an iota have.
  const code = character.codePointAt(0)!;
  if (code >= 0x1f80 && code <= 0x1faf && (code & 8) === 0) return String.fromCodePoint(code + 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  return character;
}

function simpleLower(character: string): string {
  const lower = character.toLowerCase();
  return isOneCharacter(lower) ? lower : character === '\u0130' ? 'i' : character;
}

function isOneCharacter(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff);
}

function isLoneSurrogate(character: string): boolean {
  return character.length === 1 && (character.charCodeAt(0) & 0xf800) === 0xd800;
}
