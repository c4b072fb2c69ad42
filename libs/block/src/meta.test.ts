import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import { encodeBlockMeta, parseBlockMeta, type BlockMeta } from './meta.js';
import { readJson, readLines, testdata } from './testing/fixtures.js';

type Case = { name: string; meta?: string; openBlockError: string | null; parsed?: BlockMeta };
const cases = readLines<Case>(join(testdata, 'meta-cases.jsonl')).filter(({ meta }) => meta !== undefined);

describe('reads what the reference reads', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, { meta, openBlockError, parsed }) => {
    if (openBlockError === null) expect(parseBlockMeta(meta!)).toMatchObject(parsed!);
    else
      expect(() => parseBlockMeta(meta!)).toThrow(
        expect.objectContaining({ kind: 'corrupt', code: 'BLOCK_META_CORRUPT', file: 'meta.json' }),
      );
  });
});

describe('writes what the reference writes', () => {
  const blocks = join(testdata, 'blocks');
  // Written by hand, in another order of fields.
  const names = readdirSync(blocks).filter((name) => name !== 'index-version-1');
  test.each(names)('%s', (name) => {
    const id = readdirSync(join(blocks, name)).find((entry) => /^[0-9A-Z]{26}$/.test(entry))!;
    const text = readFileSync(join(blocks, name, id, 'meta.json'), 'utf8');
    expect(encodeBlockMeta(parseBlockMeta(text))).toBe(text);
  });

  test('the local copy of a shipped block has no thanos section and no line end', () => {
    const dir = join(blocks, 'thanos-shipped');
    const id = readdirSync(dir).find((entry) => /^[0-9A-Z]{26}$/.test(entry))!;
    const { metaInTheDataDirectory } = readJson<{ metaInTheDataDirectory: string }>(join(dir, `${id}.case.json`));
    const { thanos, ...local } = parseBlockMeta(readFileSync(join(dir, id, 'meta.json'), 'utf8'));
    expect(encodeBlockMeta(local)).toBe(metaInTheDataDirectory);
    expect(thanos?.labels).toEqual({ cluster: 'eu-1', receive_replica: 'r1', tenant_id: 'team-1' });
  });
});

const base: BlockMeta = {
  ulid: '01M7YK4DQ5W4F56QTNKVB5JT5M',
  minTime: 0,
  maxTime: 1,
  stats: {},
  compaction: { level: 1 },
  version: 1,
};

test('the whole range of times survives', () => {
  const text = encodeBlockMeta({ ...base, minTime: -Infinity, maxTime: Infinity });
  expect(text).toContain('"minTime": -9223372036854775808,');
  expect(text).toContain('"maxTime": 9223372036854775807,');
  expect(encodeBlockMeta(parseBlockMeta(text))).toBe(text);
});

test('labels are sorted by bytes, and characters of HTML are escaped', () => {
  const text = encodeBlockMeta({
    ...base,
    thanos: {
      labels: { '\u{1f600}': '<', '\uffff': '&', 9: 'b', 10: 'a' },
      downsample: { resolution: 0 },
      source: 'receive',
    },
  });
  expect(text).toContain(
    '"labels": {\n\t\t\t"10": "a",\n\t\t\t"9": "b",\n\t\t\t"\uffff": "\\u0026",\n\t\t\t"\u{1f600}": "\\u003c"\n\t\t}',
  );
});

test.each([
  ['{"version":1,'],
  ['{"version":1,}'],
  ['{"version":01}'],
  ['{version:1}'],
  ['{"version":1 "ulid":""}'],
  ['[1,]'],
  ['"\n"'],
  ['nul'],
  ['['.repeat(100_000)],
])('refuses %#: text that is not JSON', (text) => {
  expect(() => parseBlockMeta(text)).toThrow(expect.objectContaining({ code: 'BLOCK_META_CORRUPT' }));
});
