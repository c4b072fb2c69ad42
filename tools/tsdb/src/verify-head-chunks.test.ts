import { crc32c } from '@gauntlet/kernel';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { type Finding, verifyTenant } from './index.js';
import { encodeXorChunk } from './testing/encoders.js';
import { inMemory, recordings, writeFile } from './testing/example-block.js';

const header = Buffer.from('0130bc9101000000', 'hex');

interface Record {
  readonly ref?: number;
  readonly from?: number;
  readonly to?: number;
  readonly encoding?: number;
}

function record({ ref = 1, from = 1000, to = 2000, encoding = 1 }: Record = {}): Buffer {
  const data = encodeXorChunk([
    [1000, 1],
    [2000, 2],
  ]);
  const head = Buffer.alloc(26);
  head.writeBigUInt64BE(BigInt(ref), 0);
  head.writeBigInt64BE(BigInt(from), 8);
  head.writeBigInt64BE(BigInt(to), 16);
  head[24] = encoding;
  head[25] = data.length;
  const body = Buffer.concat([head, data]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(body));
  return Buffer.concat([body, checksum]);
}

async function findingsOf(files: readonly (readonly [name: string, bytes: Uint8Array])[]): Promise<string[]> {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/tenant/chunks_head');
  for (const [name, bytes] of files) await writeFile(vfs, `/tenant/chunks_head/${name}`, bytes);
  const findings: Finding[] = [];
  await verifyTenant(vfs, '/tenant', (finding) => findings.push(finding));
  return findings.map(
    ({ severity, file, offset, found }) => `${severity} ${file.replace('chunks_head/', '')}@${offset ?? ''} ${found}`,
  );
}

const file = (...records: readonly Buffer[]): Buffer => Buffer.concat([header, ...records]);
const damaged = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 0xff;
  return copy;
};

test('recorded files break no rule', async () => {
  const vfs = await inMemory(`${recordings.headChunks}/good`, '/tenant/chunks_head');
  const findings: Finding[] = [];
  const { headChunks } = await verifyTenant(vfs, '/tenant', (finding) => findings.push(finding));
  expect(findings).toEqual([]);
  expect(headChunks).toBe(60);
});

test.each<[what: string, files: [string, Buffer][], expected: string[]]>([
  [
    'right files',
    [
      ['000001', file(record(), Buffer.alloc(100))],
      ['000002', file(record({ ref: 2 }))],
    ],
    [],
  ],
  [
    'a missing file',
    [
      ['000001', file(record())],
      ['000003', file()],
    ],
    ['E 000003@ file 000002 is missing'],
  ],
  ['a flipped byte', [['000001', file(damaged(record(), 30))]], ['E 000001@8 the checksum of a chunk does not match']],
  ['another magic number', [['000001', damaged(file(), 0)]], ['E 000001@0 the magic number is fe30bc91']],
  ['another version', [['000001', damaged(file(), 4)]], ['E 000001@4 the version is 254']],
  [
    'an empty file before the last',
    [
      ['000001', Buffer.alloc(0)],
      ['000002', file()],
    ],
    ['E 000001@0 0 bytes are too few'],
  ],
  [
    'an empty last file',
    [['000001', Buffer.alloc(0)]],
    ['info 000001@ nothing of the file has reached the disk; a start removes it'],
  ],
  [
    'a few bytes at the end',
    [['000001', file(Buffer.from([0, 0, 1]))]],
    ['E 000001@8 the last 3 bytes are no chunk, and not zero'],
  ],
  [
    'a torn chunk behind zeros',
    [['000001', file(Buffer.alloc(60), record().subarray(0, 20))]],
    [
      'info 000001@8 zeros end the file here, and byte 75 is not zero, as a loss of power leaves it; no chunk lies there',
    ],
  ],
  [
    'a chunk behind zeros',
    [['000001', file(Buffer.alloc(60), record())]],
    ['E 000001@8 zeros end the file here, and byte 75 is not zero'],
  ],
  [
    'a chunk torn by a crash',
    [['000001', file(record(), record().subarray(0, 40))]],
    [
      `info 000001@${8 + record().length} the file ends ${record().length - 40} bytes before the chunk does, as a crash leaves it; a start cuts it off`,
    ],
  ],
  [
    'a chunk torn before the last file',
    [
      ['000001', file(record().subarray(0, 40))],
      ['000002', file()],
    ],
    [`E 000001@8 the file ends ${record().length - 40} bytes before the chunk does`],
  ],
  [
    'chunks of a series that overlap',
    [['000001', file(record(), record())]],
    [`E 000001@${8 + record().length} a chunk of series 1 begins at 1000, and the one before it ends at 2000`],
  ],
  ['out-of-order chunks that overlap', [['000001', file(record(), record({ encoding: 0x81 }))]], []],
  [
    'series 0',
    [['000001', file(record({ ref: 0 }))]],
    ['E 000001@8 a chunk is of series 0, and references start at 1'],
  ],
  [
    'an unknown encoding',
    [['000001', file(record({ encoding: 9 }))]],
    ['W 000001@8 a chunk has the unknown encoding 9, and is passed over'],
  ],
  [
    'stored times that differ',
    [['000001', file(record({ to: 2001 }))]],
    ['E 000001@8 chunk of series 1 ends at 2000, and not at 2001 as stored beside it'],
  ],
])('%s', async (_what, files, expected) => {
  expect(await findingsOf(files)).toEqual(expected);
});
