import fc from 'fast-check';

// Messages as no sender writes them, and any decoder has to take them: over-long varints, fields repeated, missing, reversed,
// unknown, and groups.

export function varintOf(value: bigint, padding = 0): Buffer {
  const bytes: number[] = [];
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  bytes.push(Number(value));
  for (let count = 0; count < padding && bytes.length < 10; count += 1) {
    bytes[bytes.length - 1]! |= 128;
    bytes.push(0);
  }
  return Buffer.from(bytes);
}

export const padding = fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) });
export const int64 = fc.oneof(
  fc.bigInt(0n, (1n << 64n) - 1n),
  fc.bigInt(1_780_000_000_000n, 1_790_000_000_000n),
  fc.constantFrom(0n, 1n, 127n, 128n, (1n << 35n) - 1n, 1n << 35n, (1n << 42n) - 1n, 1n << 42n),
);

export function delimited(field: number, content: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(content, padding, padding)
    .map(([bytes, tagPadding, sizePadding]) =>
      Buffer.concat([varintOf(BigInt(field * 8 + 2), tagPadding), varintOf(BigInt(bytes.length), sizePadding), bytes]),
    );
}

export function varintField(field: number): fc.Arbitrary<Buffer> {
  return fc
    .tuple(int64, padding, padding)
    .map(([value, tagPadding, valuePadding]) =>
      Buffer.concat([varintOf(BigInt(field * 8), tagPadding), varintOf(value, valuePadding)]),
    );
}

export function fixed64Field(field: number): fc.Arbitrary<Buffer> {
  return fc.bigInt(0n, (1n << 64n) - 1n).map((bits) => {
    const bytes = Buffer.alloc(9, field * 8 + 1);
    bytes.writeBigUInt64LE(bits, 1);
    return bytes;
  });
}

export const unknownField = fc.oneof(
  varintField(100),
  fixed64Field(15),
  delimited(2000, fc.uint8Array({ maxLength: 5 }).map(Buffer.from)),
  // A group with a group in it, whose ends carry other numbers.
  fc.constant(Buffer.concat([varintOf(50n * 8n + 3n), Buffer.from('08010b1201780c', 'hex'), varintOf(51n * 8n + 4n)])),
);

export function messageOf(...fields: fc.Arbitrary<Buffer>[]): fc.Arbitrary<Buffer> {
  const usual = fields.map((field) => ({ weight: 8, arbitrary: field }));
  const any = fc.oneof(...usual, { weight: 1, arbitrary: unknownField });
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(...fields).map((parts) => Buffer.concat(parts)) },
    { weight: 2, arbitrary: fc.array(any, { maxLength: 6 }).map((parts) => Buffer.concat(parts)) },
  );
}

export const text = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom('__name__', 'a', 'b', 'job', 'instance', 'instance_of', 'instance_or', 'x\0', 'x', 'zürich')
      .map((word) => Buffer.from(word)),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 20 }).map(Buffer.from) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 300 }).map((length) => Buffer.alloc(length, 'long')) },
);
const span = messageOf(varintField(1), varintField(2));
export const packedVarints = fc
  .array(int64, { maxLength: 4 })
  .map((values) => Buffer.concat(values.map((value) => varintOf(value))));
const packedFixed64s = fc
  .array(fc.nat(255), { maxLength: 3 })
  .map((values) => Buffer.concat(values.map((value) => Buffer.alloc(8, value))));
/** Fields of a histogram, without its start timestamp. */
export const histogramFields: fc.Arbitrary<Buffer>[] = [
  fc.oneof(varintField(1), fixed64Field(2)),
  fixed64Field(3),
  varintField(4),
  fixed64Field(5),
  fc.oneof(varintField(6), fixed64Field(7)),
  delimited(8, span),
  fc.oneof(varintField(9), delimited(12, packedVarints)),
  fc.oneof(fixed64Field(10), delimited(13, packedFixed64s)),
  delimited(11, span),
  varintField(14),
  varintField(15),
  delimited(16, packedFixed64s),
];
