/** A field of bytes, a string or a message. */
export function field(tag: number, bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes as string);
  return Buffer.concat([Buffer.from([(tag << 3) | 2, ...varint(content.length)]), content]);
}

/** A field of a whole number that is not negative. */
export const number = (tag: number, value: number): Buffer => Buffer.from([tag << 3, ...varint(value)]);

export function double(tag: number, value: number): Buffer {
  const bytes = Buffer.from([(tag << 3) | 1, ...Array<number>(8).fill(0)]);
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}
