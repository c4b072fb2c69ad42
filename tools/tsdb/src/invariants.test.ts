import { encodeTombstones, encodeXorChunk } from './testing/encoders.js';
import { ExampleBlock, exampleId, exampleTimeMs as T } from './testing/example-block.js';
import { type Finding, verifyBlockDirectory, verifyTenant } from './index.js';

async function findingsOf(block: ExampleBlock): Promise<Finding[]> {
  const findings: Finding[] = [];
  await verifyBlockDirectory(await block.write(), `/${exampleId}`, (finding) => findings.push(finding));
  return findings;
}

/** Errors and warnings, as `E6`, each once. */
function rulesOf(findings: readonly Finding[]): string[] {
  const broken = findings.filter(({ severity }) => severity !== 'info');
  return [...new Set(broken.map(({ severity, invariant }) => `${severity}${invariant}`))].sort();
}

const edit = (change: (block: ExampleBlock) => void): ExampleBlock => {
  const block = new ExampleBlock();
  change(block);
  return block;
};

const otherId = '01HF859JX0000G40R40M30E20A';

// Each row breaks one rule, and what else cannot hold then is made to hold.
const rows: readonly (readonly [what: string, rules: readonly string[], file: string, block: ExampleBlock])[] = [
  [
    'the id in meta.json is another',
    ['E1'],
    'meta.json',
    edit(({ meta }) => {
      meta['ulid'] = otherId;
      meta.compaction['sources'] = [otherId];
    }),
  ],
  [
    'the id is zero',
    ['E1'],
    'meta.json',
    edit(({ meta }) => {
      meta['ulid'] = '0'.repeat(26);
      meta.compaction['sources'] = ['0'.repeat(26)];
    }),
  ],
  ['the version is 2', ['E2'], 'meta.json', edit(({ meta }) => (meta['version'] = 2))],
  ['the level is 0', ['W2'], 'meta.json', edit(({ meta }) => (meta.compaction['level'] = 0))],
  ['no sources are named', ['W2'], 'meta.json', edit(({ meta }) => (meta.compaction['sources'] = []))],
  [
    'a block of level 1 has another source',
    ['W2'],
    'meta.json',
    edit(({ meta }) => (meta.compaction['sources'] = [otherId])),
  ],
  ['a statistic is wrong', ['W3'], 'meta.json', edit(({ meta }) => (meta.stats['numSeries'] = 3))],
  [
    'the number of float samples is wrong',
    ['W3'],
    'meta.json',
    edit(({ meta }) => (meta.stats['numFloatSamples'] = 4)),
  ],
  ['the magic number is another', ['E4'], 'index', edit((block) => block.put(0, 0))],
  ['the version of the index is 4', ['E4'], 'index', edit((block) => block.put(4, 4))],
  ['the checksum of the contents is wrong', ['E4'], 'index', edit((block) => block.put(271, 0))],
  ['sections are out of order', ['E4'], 'index', edit((block) => block.put(235, 4).seal())],
  ['the index is empty', ['E4'], 'index', edit((block) => (block.index = Buffer.alloc(0)))],
  ['the checksum of the symbols is wrong', ['E5'], 'index', edit((block) => block.put(36, 0))],
  ['symbols do not ascend', ['E5'], 'index', edit((block) => block.put(31, 0x61, 0x61).put(195, 0x61, 0x61).seal())],
  ['a series refers to a symbol that is not there', ['E5'], 'index', edit((block) => block.put(85, 9).seal())],
  ['the table counts more symbols than it has', ['E5'], 'index', edit((block) => block.put(12, 9).seal())],
  ['the checksum of a series is wrong', ['E6'], 'index', edit((block) => block.put(98, 0))],
  ['the padding before a series is not zero', ['E6'], 'index', edit((block) => block.put(40, 1))],
  ['a series is longer than its section', ['E6'], 'index', edit((block) => block.put(80, 0x7f))],
  [
    'series are out of order',
    ['E7'],
    'index',
    edit((block) => block.put(53, 2).put(85, 1).put(151, 5).put(167, 3).seal()),
  ],
  ['labels are out of order', ['E8'], 'index', edit((block) => block.put(50, 3, 1, 0, 4).put(82, 3, 2, 0, 4).seal())],
  [
    'a series has no chunk',
    ['E9'],
    'index',
    edit((block) => {
      block
        .put(80, 6)
        .put(86, 0, ...new Array<number>(12).fill(0))
        .seal();
      block.chunks = block.chunks.subarray(0, 61);
      Object.assign(block.meta.stats, { numChunks: 2, numSamples: 4, numFloatSamples: 4 });
    }),
  ],
  [
    'a chunk begins when the one before it ends',
    ['E10'],
    'index',
    edit((block) => {
      block.put(65, 0x80, 0).seal();
      block.putChunk(41, encodeXorChunk([[T + 30_001, 4]])).sealChunks();
    }),
  ],
  [
    'two chunks have the same times',
    ['W11'],
    'index',
    edit((block) => {
      block.put(61, 0x80, 0x80, 0).put(65, 0x80, 0).seal();
      // Bytes behind the last sample mean nothing.
      block.putChunk(10, Buffer.concat([encodeXorChunk([[T, 1]]), Buffer.alloc(9)]));
      block.putChunk(41, encodeXorChunk([[T, 4]])).sealChunks();
      Object.assign(block.meta.stats, { numSamples: 3, numFloatSamples: 3 });
    }),
  ],
  ['a chunk begins where the block ends', ['E12'], 'index', edit(({ meta }) => (meta['maxTime'] = T + 45_000))],
  ['a chunk lies outside the block', ['E12'], 'index', edit(({ meta }) => (meta['maxTime'] = T + 40_000))],
  ['a chunk begins before the block', ['E12'], 'index', edit(({ meta }) => (meta['minTime'] = T + 1))],
  ['a reference points into the header', ['E13'], 'index', edit((block) => block.put(68, 7).seal())],
  ['a reference points behind the segment', ['E13'], 'index', edit((block) => block.put(94, 83).seal())],
  ['a segment is empty', ['E13', 'E14'], 'index', edit((block) => (block.chunks = Buffer.alloc(0)))],
  ['a byte of a chunk is flipped', ['E14'], 'chunks/000001', edit(({ chunks }) => (chunks[50] = 1))],
  [
    'the encoding is unknown',
    ['E14'],
    'chunks/000001',
    edit((block) => block.putChunk(40, Uint8Array.of(7)).sealChunks()),
  ],
  [
    'the bit of out-of-order chunks is set',
    ['E14'],
    'chunks/000001',
    edit((block) => block.putChunk(40, Uint8Array.of(0x81)).sealChunks()),
  ],
  ['the magic number of a segment is another', ['E14'], 'chunks/000001', edit(({ chunks }) => (chunks[0] = 0))],
  [
    'bytes follow the last chunk',
    ['W15'],
    'chunks/000001',
    edit((block) => (block.chunks = Buffer.concat([block.chunks, Buffer.alloc(3)]))),
  ],
  [
    'samples begin at another time than the index says',
    ['E16'],
    'chunks/000001',
    edit((block) => block.put(65, 0x96).seal()),
  ],
  [
    'a chunk has no samples',
    ['E16'],
    'chunks/000001',
    edit((block) => {
      block.putChunk(41, Uint8Array.of(0, 0)).sealChunks();
      Object.assign(block.meta.stats, { numSamples: 4, numFloatSamples: 4 });
    }),
  ],
  [
    'a chunk declares more samples than it has',
    ['E16'],
    'chunks/000001',
    edit((block) => block.putChunk(41, Uint8Array.of(0, 9)).sealChunks()),
  ],
  ['the list of all series names another', ['E18'], 'index', edit((block) => block.put(115, 6).seal())],
  ['a list holds another series', ['E19'], 'index', edit((block) => block.put(167, 3).seal())],
  ['the checksum of a list is wrong', ['E20'], 'index', edit((block) => block.put(171, 0))],
  ['a list does not ascend', ['E20'], 'index', edit((block) => block.put(131, 5).put(135, 3).seal())],
  ['a list counts more than it has', ['E20'], 'index', edit((block) => block.put(163, 2).seal())],
  ['the checksum of the table is wrong', ['E21'], 'index', edit((block) => block.put(219, 0))],
  ['an entry of the table has three strings', ['E21'], 'index', edit((block) => block.put(207, 3).seal())],
  [
    'the table is out of order',
    ['E21'],
    'index',
    edit((block) => block.put(204, 0x62, 0x9c).put(213, 0x61, 0x8c).seal()),
  ],
  // A name that series carry and the table does not spell right leaves their labels without a list.
  ['a label name is no symbol', ['E19', 'E22'], 'index', edit((block) => block.put(202, 0x78).put(211, 0x78).seal())],
  [
    'times of a series that is not there are deleted',
    ['W23'],
    'tombstones',
    edit((block) => (block.tombstones = encodeTombstones([[4, T, T]]))),
  ],
  [
    'deleted times overlap',
    ['W23'],
    'tombstones',
    edit(
      (block) =>
        (block.tombstones = encodeTombstones([
          [3, T, T + 9],
          [3, T + 5, T + 20],
        ])),
    ),
  ],
  [
    'deleted times reach out of the series',
    ['W23'],
    'tombstones',
    edit((block) => (block.tombstones = encodeTombstones([[3, T - 1, T]]))),
  ],
  ['the checksum of the tombstones is wrong', ['E23'], 'tombstones', edit((block) => (block.tombstones![8] = 1))],
  ['the padding before a list is not zero', ['W28'], 'index', edit((block) => block.put(99, 1))],
];

test('the example block breaks no rule', async () => {
  expect(await findingsOf(new ExampleBlock())).toEqual([]);
});

test.each(rows)('%s: %j', async (_what, rules, file, block) => {
  if (rules.includes('W23') || rules.includes('E23')) {
    const stones = rules.includes('E23') ? 0 : (block.tombstones!.length - 9) / 13;
    if (stones > 0) block.meta.stats['numTombstones'] = Math.round(stones);
  }
  const findings = await findingsOf(block);
  expect(rulesOf(findings)).toEqual(rules);
  for (const finding of findings) expect(finding.file.startsWith(exampleId)).toBe(true);
  expect(findings.map((finding) => finding.file)).toContain(`${exampleId}/${file}`);
});

test('a directory that is no block id is reported', async () => {
  const findings: Finding[] = [];
  await verifyBlockDirectory(await new ExampleBlock().write(undefined, '/block'), '/block', (finding) =>
    findings.push(finding),
  );
  expect(rulesOf(findings)).toEqual(['E1']);
});

test('blocks that overlap, or whose parent is still there, are reported', async () => {
  const child = new ExampleBlock();
  child.meta['ulid'] = otherId;
  Object.assign(child.meta.compaction, { level: 2, parents: [{ ulid: exampleId, minTime: T, maxTime: T + 1 }] });
  const vfs = await new ExampleBlock().write(undefined, `/tenant/${exampleId}`);
  await child.write(vfs, `/tenant/${otherId}`);
  const findings: Finding[] = [];
  await verifyTenant(vfs, '/tenant', (finding) => findings.push(finding));
  expect(findings.map(({ severity, invariant, file, found }) => `${severity}${invariant} ${file}: ${found}`)).toEqual([
    `W26 ${otherId}/meta.json: its parent ${exampleId} is still there`,
    `W26 ${otherId}: [1700000000000, 1700006400000) overlaps ${exampleId}, [1700000000000, 1700006400000)`,
  ]);
});

test('blocks of out-of-order samples may overlap each other and others', async () => {
  const vfs = await new ExampleBlock().write(undefined, `/tenant/${exampleId}`);
  for (const id of [otherId, '01HF859JX0000G40R40M30E20B']) {
    const block = new ExampleBlock();
    Object.assign(block.meta, { ulid: id });
    Object.assign(block.meta.compaction, { sources: [id], hints: ['from-out-of-order'] });
    await block.write(vfs, `/tenant/${id}`);
  }
  const findings: Finding[] = [];
  await verifyTenant(vfs, '/tenant', (finding) => findings.push(finding));
  expect(rulesOf(findings)).toEqual([]);
  expect(findings.map(({ invariant }) => invariant)).toEqual([26]);
});
