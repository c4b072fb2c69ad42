import { invariant } from '@gauntlet/base';

/** A protobuf tag and the length of what follows, as the shortest varint. */
export function lengthPrefix(tag: number, length: number): Uint8Array {
  const bytes = [tag];
  for (; length >= 128; length = Math.floor(length / 128)) bytes.push((length % 128) | 128);
  bytes.push(length);
  return Uint8Array.from(bytes);
}

/** A label as the senders write it: field 1 of a series, with both of its fields even where they are empty. */
export function encodeLabel(name: Uint8Array, value: Uint8Array): Uint8Array {
  const namePrefix = lengthPrefix(0x0a, name.length);
  const valuePrefix = lengthPrefix(0x12, value.length);
  const length = namePrefix.length + name.length + valuePrefix.length + value.length;
  return Buffer.concat([lengthPrefix(0x0a, length), namePrefix, name, valuePrefix, value]);
}

/**
 * The fields of a message but those with one number, as pieces of its bytes.
 * @param field a field with its tag and length around the message, which a scan has found sound
 */
export function withoutField(field: Uint8Array, number: number): Uint8Array[] {
  const cursor = new Cursor(field);
  cursor.varint();
  cursor.varint();
  const pieces: Uint8Array[] = [];
  let keptFrom = cursor.at;
  while (cursor.at < field.length) {
    const start = cursor.at;
    const isLeftOut = cursor.skipField() === number;
    if (!isLeftOut) continue;
    if (keptFrom < start) pieces.push(field.subarray(keptFrom, start));
    keptFrom = cursor.at;
  }
  if (keptFrom < field.length) pieces.push(field.subarray(keptFrom));
  return pieces;
}

/** Walks over fields whose soundness is known. */
class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The low 32 bits of a varint: what tags have, and lengths within a message. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.at++];
      invariant(byte !== undefined, 'a scanned message has whole fields');
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    invariant(false, 'a scanned message has varints of ten bytes at most');
  }

  /** Moves behind a field, with all that is in it if it is a group. @returns its number */
  skipField(): number {
    const tag = this.#tag();
    let depth = 0;
    for (let type = tag.type; ; { type } = this.#tag()) {
      if (type === 0) this.varint();
      else if (type === 1) this.at += 8;
      else if (type === 2) this.#skipContent();
      else if (type === 3) depth += 1;
      else if (type === 4) depth -= 1;
      else this.at += 4;
      invariant(depth >= 0 && this.at <= this.#bytes.length, 'a scanned message has whole fields');
      if (depth === 0) return tag.number;
    }
  }

  #skipContent(): void {
    const length = this.varint();
    this.at += length;
  }

  /** Numbers keep their low 32 bits, of which the type has taken none: the 35 lowest of the varint count. */
  #tag(): { readonly number: number; readonly type: number } {
    const start = this.at;
    const type = this.varint() & 7;
    let number = 0;
    for (let at = start, scale = 1; at < this.at && at < start + 5; at += 1, scale *= 128)
      number += (this.#bytes[at]! & 0x7f) * scale;
    return { number: Math.floor(number / 8) % 2 ** 32, type };
  }
}
