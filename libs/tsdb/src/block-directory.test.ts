import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@gauntlet/base';
import { encodeBlockMeta, encodeTombstones, MemorySink, writeBlock, type BlockMeta } from '@gauntlet/block';
import { FaultyVfs, MemoryVfs } from '@gauntlet/vfs/testing';
import { loadBlocks, type LoadedBlocks } from './block-directory.js';

interface RecordedCase {
  readonly name: string;
  readonly dirName: string;
  readonly meta?: string;
  readonly database: {
    readonly openError: string | null;
    readonly blockDirsLeft: readonly string[];
    readonly blocks?: readonly { readonly minTime: string; readonly maxTime: string; readonly level: number }[];
  };
}

const cases = readFileSync(join(__dirname, '../../block/testdata/meta-cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedCase);
const id = '01M7YK4DQ5W4F56QTNKVB5JT5M';
const otherId = '01HF859JX0000G40R40M30E209';
const dir = '/tenant';

/** The files of a good block of one chunk. */
async function blockFiles(meta: Partial<BlockMeta> = {}): Promise<Map<string, Buffer>> {
  const sinks = new Map<string, MemorySink>();
  const open = (name: string): Promise<MemorySink> => {
    sinks.set(name, new MemorySink());
    return Promise.resolve(sinks.get(name)!);
  };
  const labels = Buffer.from('\n\r\n\b__name__\x12\x01a', 'latin1');
  const data = Buffer.from('000380A0ABFEF9623FF00000000000009875C25FFF8001D80C', 'hex');
  const chunk = { minTimeMs: 1_700_000_000_000, maxTimeMs: 1_700_000_030_001, encoding: 1, sampleCount: 3, data };
  const series = [{ labels, chunks: [chunk] }];
  const stats = await writeBlock(
    { next: () => series.pop() },
    { openIndex: () => open('index'), openSegment: (name) => open(`chunks/${name}`) },
  );
  const files = new Map([...sinks].map(([name, sink]) => [name, Buffer.from(sink.bytes())]));
  files.set('tombstones', Buffer.from(encodeTombstones(new Map([[1, [{ minTimeMs: 1, maxTimeMs: 2 }]]]))));
  const compaction = { level: 1, sources: [id] };
  const whole = {
    ulid: id,
    minTime: 1_700_006_400_000,
    maxTime: 1_700_013_600_000,
    stats,
    compaction,
    version: 1,
  } as const;
  return files.set('meta.json', Buffer.from(encodeBlockMeta({ ...whole, ...meta })));
}

async function put(vfs: MemoryVfs, name: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await vfs.makeDir(`${dir}/${name}/chunks`);
  for (const [path, bytes] of files) {
    const file = await vfs.open(`${dir}/${name}/${path}`, 'replace');
    await file.write(bytes, 0);
    await file.close();
  }
}

const names = async (vfs: MemoryVfs): Promise<string[]> => (await vfs.readDir(dir)).map(({ name }) => name);
const load = (vfs: MemoryVfs | FaultyVfs): Promise<LoadedBlocks> => loadBlocks(vfs, dir, silentLog);
const flipped = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[at < 0 ? changed.length + at : at]! ^= 1;
  return changed;
};

/** What the names of the recorded cases say that was done to other files than meta.json. */
const changes: Record<string, (files: Map<string, Buffer>, vfs: MemoryVfs) => unknown> = {
  'meta.json missing': (files) => files.delete('meta.json'),
  'meta.json.tmp only': (files) => {
    files.set('meta.json.tmp', files.get('meta.json')!);
    files.delete('meta.json');
  },
  'index missing': (files) => files.delete('index'),
  'index empty': (files) => files.set('index', Buffer.alloc(0)),
  'chunks directory missing': (files) => files.delete('chunks/000001'),
  'chunks directory empty': (files) => files.delete('chunks/000001'),
  'chunk segment empty': (files) => files.set('chunks/000001', Buffer.alloc(0)),
  'tombstones missing': (files) => files.delete('tombstones'),
  'tombstones empty': (files) => files.set('tombstones', Buffer.alloc(0)),
  'tombstones bad crc': (files) => files.set('tombstones', flipped(files.get('tombstones')!, -1)),
  'tombstones version 2': (files) => files.get('tombstones')!.fill(2, 4, 5),
  'index TOC crc': (files) => files.set('index', flipped(files.get('index')!, -1)),
  'index symbols crc': (files) => files.set('index', flipped(files.get('index')!, 15)),
  'index magic': (files) => files.set('index', flipped(files.get('index')!, 0)),
  'index version 3': (files) => files.get('index')!.fill(3, 4, 5),
  'chunk segment magic': (files) => files.set('chunks/000001', flipped(files.get('chunks/000001')!, 0)),
  'chunk data bit flip': (files) => files.set('chunks/000001', flipped(files.get('chunks/000001')!, 20)),
  'leftover directories': async (_, vfs) => {
    for (const name of [
      `${otherId}.tmp-for-creation`,
      `${otherId}.tmp-for-deletion`,
      `${otherId}.tmp`,
      otherId,
      'not-a-block',
    ])
      await vfs.makeDir(`${dir}/${name}`);
  },
  'directory name is not the ulid': () => undefined,
};

/** Where we serve what the recorded database deletes or does not serve, and the other way around. */
const served: Record<string, boolean> = {
  // Nothing else has its samples.
  'parent is this block itself': true,
  // All of its chunks are gone: served, it would be shipped as if it were whole.
  'chunks directory empty': false,
};

test.each(cases.map((recorded) => [recorded.name, recorded] as const))(
  'a block with %s is served or set aside as recorded',
  async (name, { meta, database }) => {
    const vfs = new MemoryVfs();
    const dirName = name === 'directory name is not the ulid' ? otherId : id;
    const files = await blockFiles();
    if (meta === undefined) await changes[name]!(files, vfs);
    else files.set('meta.json', Buffer.from(meta));
    await put(vfs, dirName, files);
    if (name === 'chunks directory missing') await vfs.remove(`${dir}/${dirName}/chunks`);
    const { blocks, damaged } = await load(vfs);

    const isServed = served[name] ?? (database.blocks ?? []).length > 0;
    expect(blocks.map(({ ulid }) => ulid)).toEqual(isServed ? [dirName] : []);
    if (database.blocks?.[0] !== undefined && isServed) {
      const { minTime, maxTime, level } = database.blocks[0];
      expect(blocks[0]).toMatchObject({ minTime: Number(minTime), maxTime: Number(maxTime), compaction: { level } });
    }
    // The recorded database leaves a damaged block where it is, and refuses to open unless it is meta.json that is damaged.
    const isDeleted = name === 'deletable';
    const isSetAside = !isServed && !isDeleted;
    expect(damaged.filter(({ id }) => id === dirName)).toHaveLength(isSetAside ? 1 : 0);
    const left = (await names(vfs)).filter((entry) => entry.startsWith(dirName));
    expect(left).toEqual(isServed ? [dirName] : isSetAside ? [`${dirName}.damaged`] : []);
    if (!isServed && database.openError === null && served[name] === undefined)
      expect(database.blockDirsLeft).toEqual(isDeleted ? [] : [dirName]);
    // What was set aside is whole, and no start looks at it again.
    for (const [path, bytes] of isSetAside ? files : []) {
      expect(bytes.equals(await vfs.readFile(`${dir}/${dirName}.damaged/${path}`))).toBe(true);
    }
    expect(await load(vfs)).toEqual({ blocks, minValidTimeMs: expect.any(Number) as number, damaged: [] });
  },
);

test('what was left half done is removed; a directory with the name of a block and nothing in it is set aside', async () => {
  const vfs = new MemoryVfs();
  await put(vfs, id, await blockFiles());
  await changes['leftover directories']!(new Map(), vfs);
  const { damaged } = await load(vfs);
  expect(await names(vfs)).toEqual([`${otherId}.damaged`, id, 'not-a-block']);
  expect(damaged).toEqual([
    { id: otherId, problem: expect.stringContaining('meta.json') as string, setAside: `${otherId}.damaged` },
  ]);
});

test('a block of version 2 is mended, its index with it', async () => {
  const vfs = new MemoryVfs();
  const files = await blockFiles();
  const meta = files.get('meta.json')!;
  files.set('meta.json', Buffer.from(meta.toString().replace('"version": 1', '"version": 2')));
  const index = Buffer.from(files.get('index')!);
  files.set('index', Buffer.from(index).fill(1, 4, 5));
  await put(vfs, id, files);
  expect((await load(vfs)).blocks).toHaveLength(1);
  expect(index.equals(await vfs.readFile(`${dir}/${id}/index`))).toBe(true);
  expect(meta.equals(await vfs.readFile(`${dir}/${id}/meta.json`))).toBe(true);
});

const parents = [{ ulid: id, minTime: 0, maxTime: 1 }];
const childMeta = { ulid: otherId, compaction: { level: 2, sources: [id], parents } };

test.each([
  ['a good block', false, false, [otherId], []],
  ['a damaged block', true, false, [otherId], []],
  ['a good block whose child is damaged', false, true, [id], [otherId]],
  ['a damaged block whose child is damaged', true, true, [], [otherId, id]],
] as const)('%s that was compacted into another', async (_, isDamaged, isChildDamaged, blocksLeft, aside) => {
  const vfs = new MemoryVfs();
  const files = [await blockFiles(), await blockFiles(childMeta)] as const;
  if (isDamaged) files[0].delete('index');
  if (isChildDamaged) files[1].set('tombstones', Buffer.alloc(3));
  await put(vfs, id, files[0]);
  await put(vfs, otherId, files[1]);
  const { blocks, damaged } = await load(vfs);
  expect(blocks.map(({ ulid }) => ulid)).toEqual(blocksLeft);
  expect(damaged.map(({ id }) => id)).toEqual(aside);
  expect(await names(vfs)).toEqual([...aside.map((name) => `${name}.damaged`), ...blocksLeft].sort());
});

test('an earlier block set aside under the same name stays', async () => {
  const vfs = new MemoryVfs();
  for (const ending of ['.damaged', '.damaged-2']) {
    await put(vfs, id, new Map([['index', Buffer.from(ending)]]));
    expect((await load(vfs)).damaged).toMatchObject([{ id, setAside: `${id}${ending}` }]);
    expect(Buffer.from(await vfs.readFile(`${dir}/${id}${ending}/index`)).toString()).toBe(ending);
  }
});

test('the head does not begin behind a damaged block: what the log still has of it is replayed', async () => {
  const vfs = new MemoryVfs();
  await put(vfs, otherId, await blockFiles({ minTime: 0, maxTime: 7_200_000 }));
  const files = await blockFiles();
  files.delete('index');
  await put(vfs, id, files);
  expect((await load(vfs)).minValidTimeMs).toBe(7_200_000);
});

test('a block that cannot be read at first is read again, and set aside when it never can', async () => {
  const vfs = new MemoryVfs();
  await put(vfs, id, await blockFiles());
  const counting = new FaultyVfs(vfs);
  await load(counting);
  const isInBlock = (path: string): boolean => path.startsWith(`${dir}/${id}/`);
  const count = counting.calls.filter(({ path }) => isInBlock(path)).length;
  expect(count).toBeGreaterThan(10);
  for (let nth = 1; nth <= count; nth += 1) {
    const faulty = new FaultyVfs(vfs, { when: ({ path }) => isInBlock(path), nth, code: 'EIO' });
    expect(await load(faulty)).toMatchObject({ blocks: [{ ulid: id }], damaged: [] });
  }
  const noMemory = new FaultyVfs(vfs, { operation: 'open', code: 'EMFILE' });
  await expect(load(noMemory)).rejects.toMatchObject({ code: 'EMFILE' });
  const broken = new FaultyVfs(vfs, { when: ({ path }) => path.endsWith('000001'), times: Infinity, code: 'EIO' });
  expect(await load(broken)).toMatchObject({ blocks: [], damaged: [{ id }] });
});

test('whichever call fails once while blocks are mended, the next start ends what was begun', async () => {
  const make = async (): Promise<MemoryVfs> => {
    const vfs = new MemoryVfs();
    await put(vfs, id, await blockFiles());
    await put(vfs, otherId, await blockFiles(childMeta));
    await put(vfs, '01HF859JX0000G40R40M30E20A', new Map());
    return vfs;
  };
  const counting = new FaultyVfs(await make());
  await load(counting);
  for (let nth = 1; nth <= counting.calls.length; nth += 1) {
    for (const afterwards of [false, true]) {
      const vfs = await make();
      await load(new FaultyVfs(vfs, { nth, code: 'EIO', afterwards })).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'EIO' });
      });
      expect((await load(vfs)).blocks.map(({ ulid }) => ulid)).toEqual([otherId]);
      expect(await names(vfs)).toEqual([otherId, '01HF859JX0000G40R40M30E20A.damaged']);
    }
  }
});

test('blocks that descend from each other stay, and so does one that descends from itself', async () => {
  const vfs = new MemoryVfs();
  const named = async (ulid: string, parent: string): Promise<void> => {
    const parents = [{ ulid: parent, minTime: 0, maxTime: 1 }];
    const compaction = { level: 2, sources: [ulid], parents };
    await put(vfs, ulid, await blockFiles({ ulid, compaction }));
  };
  const selfId = '01HF859JX0000G40R40M30E20A';
  await named(id, otherId);
  await named(otherId, id);
  await named(selfId, selfId);
  const { blocks } = await load(vfs);
  expect(blocks.map(({ ulid }) => ulid).sort()).toEqual([id, otherId, selfId].sort());
  expect((await names(vfs)).sort()).toEqual([id, otherId, selfId].sort());
});
