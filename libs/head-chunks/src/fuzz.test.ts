import fc from 'fast-check';
import { crc32c } from '@gauntlet/kernel';
import { openHeadChunks } from './index.js';
import { dir, diskWith, foundOf, type GoldenChunk, goodFiles, load, readLines } from './testing/golden.js';

const numRuns = process.env.GAUNTLET_LONG ? 20_000 : 150;
const timeoutMs = 600_000;

const golden = readLines<GoldenChunk & { readonly series: string }>('chunks.jsonl').map((chunk) =>
  JSON.stringify(foundOf({ ...chunk, ref: chunk.series })),
);

type Mutation =
  | { readonly kind: 'byte'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'zero'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number; readonly length: number };

const at = fc.nat(12_000);
const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at, value: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at }),
  fc.record({ kind: fc.constant('zero' as const), at, length: fc.nat(5000) }),
  fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }) }),
  fc.record({ kind: fc.constant('remove' as const), at, length: fc.nat(700) }),
);

function mutated(bytes: Buffer, mutation: Mutation): Buffer {
  const from = Math.min(mutation.at, bytes.length);
  const head = bytes.subarray(0, from);
  switch (mutation.kind) {
    case 'byte':
      return Buffer.concat([head, Buffer.of(mutation.value), bytes.subarray(from + 1)]);
    case 'cut':
      return Buffer.from(head);
    case 'zero':
      return Buffer.from(bytes).fill(0, from, Math.min(from + mutation.length, bytes.length));
    case 'insert':
      return Buffer.concat([head, mutation.bytes, bytes.subarray(from)]);
    case 'remove':
      return Buffer.concat([head, bytes.subarray(from + mutation.length)]);
  }
}

test(
  'files with any damage load without invented chunks, once mended load the same, and can be continued',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('000001', '000002', '000003'), mutations), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const files = goodFiles();
          for (const [name, mutation] of changes) files.set(name, mutated(files.get(name)!, mutation));
          const vfs = await diskWith(files);
          const first = await load(vfs);
          // A removal or insertion shifts whole chunks; positions aside, each is one of the recorded.
          const withoutPlace = (text: string): string => text.replace(/"position":\{[^}]*\},"dataOffset":\d+,/, '');
          const known = new Set(golden.map(withoutPlace));
          for (const chunk of first.chunks) expect(known).toContain(withoutPlace(JSON.stringify(chunk)));
          const again = await load(vfs);
          expect(again.chunks).toEqual(first.chunks);
          expect(again.result.damage).toBeUndefined();
          const writer = await openHeadChunks(vfs, dir);
          writer.append({
            ref: 1,
            minTimeMs: 1,
            maxTimeMs: 2,
            encoding: 1,
            isOutOfOrder: false,
            data: Buffer.alloc(9),
          });
          await writer.close();
          expect((await load(vfs)).chunks).toHaveLength(first.chunks.length + 1);
        },
      ),
      { numRuns },
    );
  },
  timeoutMs,
);

const header = Buffer.from('0130bc9101000000', 'hex');

/** A record with a matching checksum around whatever it says. */
function recordOf(prefix: Uint8Array, data: Uint8Array): Buffer {
  const body = Buffer.concat([prefix, data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(body));
  return Buffer.concat([body, checksum]);
}

test(
  'any prefix before a matching checksum is a chunk or damage, and never a crash',
  async () => {
    const prefixes = fc.uint8Array({ minLength: 25, maxLength: 31 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(prefixes, fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
        async (parts) => {
          const records = parts.map(([prefix, data]) => recordOf(prefix, data));
          const vfs = await diskWith(new Map([['000001', Buffer.concat([header, ...records, Buffer.alloc(40)])]]));
          const first = await load(vfs);
          expect((await load(vfs)).chunks).toEqual(first.chunks);
        },
      ),
      { numRuns },
    );
  },
  timeoutMs,
);

const hugeLengths = ['8080808008', 'ffffffff0f', '81808004', 'ffffffffffff7f', 'ffffffff7f'];

test.each(hugeLengths)('a length of %s costs no memory', async (length) => {
  const prefix = Buffer.concat([Buffer.alloc(24, 1), Buffer.of(1), Buffer.from(length, 'hex')]);
  const vfs = await diskWith(new Map([['000001', Buffer.concat([header, prefix, Buffer.alloc(100)])]]));
  const before = process.memoryUsage().arrayBuffers;
  const { result } = await load(vfs);
  expect(result.damage).toMatchObject({ file: 1, offset: 8 });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
});

const strange: readonly (readonly [string, string, boolean])[] = [
  ['an encoding of the future is passed over', '0000000000000001 0000000000000001 0000000000000002 0b 05', false],
  ['ref 0 with times is damage', '0000000000000000 0000000000000001 0000000000000002 01 05', true],
  ['a ref beyond 2^53 is damage', '0020000000000000 0000000000000001 0000000000000002 01 05', true],
  ['a time beyond 2^53 is damage', '0000000000000001 0000000000000001 0020000000000000 01 05', true],
  ['an end before the beginning is damage', '0000000000000001 0000000000000003 0000000000000002 01 05', true],
  ['times before 1970 are times', '0000000000000001 ffffffffffffff00 ffffffffffffff01 01 05', false],
  [
    'a length in more bytes than it needs is a length',
    '0000000000000001 0000000000000001 0000000000000002 01 8500',
    false,
  ],
];

test.each(strange)('%s', async (_, hex, isDamage) => {
  const record = recordOf(Buffer.from(hex.replaceAll(' ', ''), 'hex'), Buffer.of(0, 1, 2, 3, 4));
  const vfs = await diskWith(new Map([['000001', Buffer.concat([header, record])]]));
  const { result, chunks } = await load(vfs);
  expect(result.damage !== undefined).toBe(isDamage);
  expect(chunks).toHaveLength(isDamage || hex.includes('0b 05') ? 0 : 1);
});
