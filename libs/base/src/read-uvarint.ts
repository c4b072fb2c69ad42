/**
 * Reads an unsigned number in groups of seven bits, the lowest first (LEB128). It has ten bytes at most, of which 64 bits count; undefined when
 * it is longer. Bits are gathered in plain numbers: loops over bigints in 64 bits have brought V8's optimizer down (Node 20).
 * @param next the next byte; what it throws passes through
 */
export function readUvarint(next: () => number): bigint | undefined {
  let low = 0; // 49 bits, which a number holds exactly; few values have more.
  let scale = 1;
  for (let count = 0; count < 7; count += 1) {
    const byte = next();
    low += (byte & 0x7f) * scale;
    if (byte < 0x80) return BigInt(low);
    scale *= 128;
  }
  let high = 0;
  for (let shift = 0; shift < 21; shift += 7) {
    const byte = next();
    high |= (byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt(low) + (BigInt(high & 0x7fff) << 49n);
  }
  return undefined;
}
