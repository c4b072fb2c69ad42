import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { xxh64 } from '@gauntlet/base';

type Text = string | { readonly hex: string };
interface Case {
  readonly name?: string;
  readonly hash: string;
  readonly labelsHash?: string;
  readonly tenant: Text;
  readonly labels: readonly Text[];
}

function casesOf(file: string): Case[] {
  return (JSON.parse(readFileSync(join(__dirname, '../testdata', file), 'utf8')) as { cases: Case[] }).cases;
}

function hashOf(texts: readonly Text[]): string {
  const bytes = Buffer.concat(
    texts.flatMap((text) => [
      typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.hex, 'hex'),
      Buffer.from([0xff]),
    ]),
  );
  const out = new Uint32Array(2);
  xxh64(bytes, bytes.length, out, 0);
  return String((BigInt(out[1] as number) << 32n) | BigInt(out[0] as number));
}

test.each(['series.json', 'series-hash.json'])('tenants and labels, joined by 0xFF, have the hashes of %s', (file) => {
  for (const { name, hash, labelsHash, tenant, labels } of casesOf(file)) {
    expect([name, hashOf([tenant, ...labels])]).toEqual([name, hash]);
    if (labelsHash !== undefined) expect([name, hashOf(labels)]).toEqual([name, labelsHash]);
  }
});
