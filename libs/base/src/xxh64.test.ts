import fc from 'fast-check';
import { xxh64 } from './xxh64.js';

const hash = (bytes: Uint8Array): bigint => {
  const out = new Uint32Array(2);
  xxh64(bytes, bytes.length, out, 0);
  return (BigInt(out[1] as number) << 32n) | BigInt(out[0] as number);
};

test.each([
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['abc', 0x44bc2cf5ad770999n],
  ['node-1:10901:1', 11883808938796999739n],
  ['node-1:10901:1000', 9698377366071706621n],
])('%j has the published hash', (text, expected) => {
  expect(hash(Buffer.from(text))).toBe(expected);
});

test('any bytes hash as in 64-bit arithmetic', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => hash(bytes) === slowXxh64(bytes)));
});

const mask = 0xffffffffffffffffn;
const [p1, p2, p3, p4, p5] = [
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
];
const rotl = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (64n - bits))) & mask;
const round = (acc: bigint, input: bigint): bigint => (rotl((acc + input * p2) & mask, 31n) * p1) & mask;

/** The definition of the hash, written down with BigInt. */
function slowXxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let acc = p5;
  if (bytes.length >= 32) {
    const lanes = [(p1 + p2) & mask, p2, 0n, -p1 & mask];
    for (; at + 32 <= bytes.length; at += 32)
      lanes.forEach((lane, i) => (lanes[i] = round(lane, view.getBigUint64(at + i * 8, true))));
    acc = lanes.reduce((sum, lane, i) => (sum + rotl(lane, [1n, 7n, 12n, 18n][i] as bigint)) & mask, 0n);
    for (const lane of lanes) acc = ((acc ^ round(0n, lane)) * p1 + p4) & mask;
  }
  acc = (acc + BigInt(bytes.length)) & mask;
  for (; at + 8 <= bytes.length; at += 8)
    acc = (rotl(acc ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4) & mask;
  for (; at + 4 <= bytes.length; at += 4)
    acc = (rotl(acc ^ ((BigInt(view.getUint32(at, true)) * p1) & mask), 23n) * p2 + p3) & mask;
  for (; at < bytes.length; at += 1) acc = (rotl(acc ^ ((BigInt(bytes[at] as number) * p5) & mask), 11n) * p1) & mask;
  acc = ((acc ^ (acc >> 33n)) * p2) & mask;
  acc = ((acc ^ (acc >> 29n)) * p3) & mask;
  return acc ^ (acc >> 32n);
}
