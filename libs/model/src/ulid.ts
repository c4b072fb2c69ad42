import { invariant } from '@gauntlet/base';

/** Crockford base32: no I, L, O, U. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
// The first digit carries three bits: 26 digits are 130 bits, and an id has 128.
const pattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;

export const ulidTimeMsMax = 2 ** 48 - 1;
/** Random bytes that an id takes besides its time. */
export const ulidRandomBytes = 10;

/** Whether the whole text is an id, in either case. */
export function isUlid(text: string): boolean {
  return pattern.test(text);
}

/** The id of upper-case digits that `text` stands for; undefined when it is none. */
export function parseUlid(text: string): string | undefined {
  return isUlid(text) ? text.toUpperCase() : undefined;
}

/** When the id was made, in Unix milliseconds. */
export function ulidTimeMs(ulid: string): number {
  invariant(isUlid(ulid), 'the time is asked of an id');
  let timeMs = 0;
  for (const digit of ulid.slice(0, 10).toUpperCase()) timeMs = timeMs * 32 + digits.indexOf(digit);
  return timeMs;
}

/** An id: 48 bits of time and 80 random bits. Ids of later milliseconds sort behind. */
export function createUlid(timeMs: number, random: Uint8Array): string {
  invariant(timeMs >= 0 && timeMs <= ulidTimeMsMax && Number.isInteger(timeMs), 'the time fits 48 bits');
  invariant(random.length === ulidRandomBytes, 'an id takes ten random bytes');
  let bits = BigInt(timeMs);
  for (const byte of random) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += digits[Number((bits >> shift) & 31n)]!;
  return text;
}
