import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { xxh64 } from '@gauntlet/base';

const hash = (bytes: Uint8Array): bigint => {
  const out = new Uint32Array(2);
  xxh64(bytes, bytes.length, out, 0);
  return (BigInt(out[1] as number) << 32n) | BigInt(out[0] as number);
};

test('tenants and labels, joined by 0xFF, have the recorded hashes', () => {
  const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/series.json'), 'utf8')) as {
    cases: { hash: string; tenant: string; labels: string[] }[];
  };
  for (const { hash: expected, tenant, labels } of cases) {
    const bytes = Buffer.concat([tenant, ...labels].flatMap((text) => [Buffer.from(text), Buffer.from([0xff])]));
    expect(hash(bytes)).toBe(BigInt(expected));
  }
});
