import type { Label, Labels } from './labels.js';

/*
 * Labels in canonical form: for each label, in order, 0A len 0A len name 12 len value, with minimal varints. This is how senders write them, how the
 * head keeps them, and how StoreAPI sends them (field 1 of `Series`), so that a read copies them as they are.
 */

/** The canonical form of labels. */
export function canonicalLabels(labels: Labels): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { name, value } of labels) {
    const [n, v] = [encoder.encode(name), encoder.encode(value)];
    const body = [Uint8Array.of(0x0a), varint(n.length), n, Uint8Array.of(0x12), varint(v.length), v];
    parts.push(Uint8Array.of(0x0a), varint(body.reduce((sum, { length }) => sum + length, 0)), ...body);
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Labels of a canonical form, for cold paths. Bytes that are no UTF-8 become replacement characters. */
export function labelsOfCanonical(bytes: Uint8Array): Labels {
  const labels: Label[] = [];
  for (let at = 0; at < bytes.length;) {
    const nameAt = varintEnd(bytes, varintEnd(bytes, at + 1) + 1);
    const nameLength = varintAt(bytes, varintEnd(bytes, at + 1) + 1);
    const valueLength = varintAt(bytes, nameAt + nameLength + 1);
    const valueAt = varintEnd(bytes, nameAt + nameLength + 1);
    at = valueAt + valueLength;
    labels.push({ name: textOf(bytes, nameAt, nameLength), value: textOf(bytes, valueAt, valueLength) });
  }
  return labels;
}

/**
 * Orders canonical labels name by name and value by value, as bytes; fewer labels first where one begins the other. No views are made: it runs for
 * each series of a merge.
 */
export function compareCanonicalLabels(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    // Behind the label's own tag and length, name and value follow, each with a tag and a length.
    i = varintEnd(a, i + 1);
    j = varintEnd(b, j + 1);
    for (let part = 0; part < 2; part += 1) {
      const left = varintEnd(a, i + 1);
      const leftEnd = left + varintAt(a, i + 1);
      const right = varintEnd(b, j + 1);
      const rightEnd = right + varintAt(b, j + 1);
      const common = Math.min(leftEnd - left, rightEnd - right);
      for (let k = 0; k < common; k += 1) {
        const difference = a[left + k]! - b[right + k]!;
        if (difference !== 0) return difference;
      }
      const longer = leftEnd - left - (rightEnd - right);
      if (longer !== 0) return longer;
      i = leftEnd;
      j = rightEnd;
    }
  }
  return Number(i < a.length) - Number(j < b.length);
}

/** The varint at `at`, below 2^53; where the bytes end before it does, what there is of it, and not for ever. */
export function varintAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128, at += 1) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (!(byte >= 0x80)) return value;
  }
}

/** The offset behind the varint at `at`. */
export function varintEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at += 1;
  return at + 1;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, value]);
}

/** Views over shared memory cannot be decoded, so that the bytes are copied first. */
function textOf(bytes: Uint8Array, at: number, length: number): string {
  return decoder.decode(bytes.slice(at, at + length));
}
