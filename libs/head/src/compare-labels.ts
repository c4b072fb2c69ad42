/**
 * Orders canonical labels (see kernel's batch.ts) name by name and value by value, as bytes; fewer labels first where one begins
 * the other. No views are made: it runs for each series of a merge.
 */
export function compareLabels(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    // Behind the label's own tag and length, name and value follow, each with a tag and a length.
    i = lengthEnd(a, i + 1);
    j = lengthEnd(b, j + 1);
    for (let part = 0; part < 2; part += 1) {
      const left = lengthEnd(a, i + 1);
      const leftEnd = left + lengthAt(a, i + 1);
      const right = lengthEnd(b, j + 1);
      const rightEnd = right + lengthAt(b, j + 1);
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

function lengthAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128, at += 1) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

function lengthEnd(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at += 1;
  return at + 1;
}
