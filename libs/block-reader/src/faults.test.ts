import type { BlockCorruptError } from '@gauntlet/block';
import { labelsOf } from '@gauntlet/model';
import { compileMatcher, createOverlay, type SelectedSeries, type Selection } from '@gauntlet/select';
import { collect, type ModelSeries, restlessPace, stillPace } from '@gauntlet/select/testing';
import { FaultyVfs } from '@gauntlet/vfs/testing';
import { openBlockFiles } from './block-files.js';
import { openBlockReader } from './block-reader.js';
import { blockDir, floatChunks, memoryBlock } from './testing/lab.js';

const all = Array.from({ length: 120 }, (_, index): ModelSeries => ({
  labels: labelsOf({ __name__: 'up', instance: `i-${String(index).padStart(4, '0')}`, job: `j-${index % 3}` }),
  chunks: floatChunks([[1_000 + index, 2_000], [3_000]]),
}));
const selection: Selection = {
  matchers: [compileMatcher('=', '__name__', 'up')],
  minTimeMs: -Infinity,
  maxTimeMs: Infinity,
  limit: 0,
  pace: stillPace,
  overlay: createOverlay([], []),
  skipChunks: false,
};
const budget = { windowBytes: 2_000, sortBytes: 1_000 };

/** To be compared at once: equality of many small arrays takes its time. */
function textOf(series: readonly SelectedSeries[]): string {
  return series
    .map(({ labels, chunks }) =>
      [labels, ...chunks.map(({ data }) => data)].map((bytes) => Buffer.from(bytes).toString('hex')).join(),
    )
    .join();
}

/** Changes a byte of a file in memory. */
async function damage(vfs: FaultyVfs, name: string, at: number): Promise<void> {
  const file = await vfs.open(`${blockDir}/${name}`, 'update');
  const byte = new Uint8Array(1);
  await file.read(byte, at);
  await file.write(Uint8Array.of(byte[0]! ^ 0x10), at);
  await file.close();
}

async function lab(): Promise<{ vfs: FaultyVfs; open: () => ReturnType<typeof openBlockReader> }> {
  const { vfs: memory, meta } = await memoryBlock(all);
  const vfs = new FaultyVfs(memory);
  return { vfs, open: async () => openBlockReader(await openBlockFiles(vfs, blockDir), meta) };
}

test('a changed byte of a series entry or a chunk is named with its file, and what comes before it is given', async () => {
  const { vfs: whole } = await lab();
  const sizes = { index: (await whole.readFile(`${blockDir}/index`)).length };
  // Symbols come first, and take 11 bytes each; behind them entries of 16 bytes or more.
  for (const [name, at] of [
    ['index', 2_000],
    ['index', sizes.index / 2],
    ['chunks/000001', 500],
    ['chunks/000002', 1_333],
  ] as const) {
    const { vfs, open } = await lab();
    const block = await open();
    await damage(vfs, name, Math.floor(at));
    const source = await block.select(selection, budget).catch((error: unknown) => error as BlockCorruptError);
    const found: number[] = [];
    let failure: unknown = source;
    if (!(source instanceof Error)) {
      try {
        for (let next = await source.next(); next !== undefined; next = await source.next())
          found.push(next.chunks.length);
        failure = undefined;
      } catch (error) {
        failure = error;
      }
      expect(source.next()).toBeUndefined();
    }
    // Padding between entries of the index may change unseen.
    if (failure === undefined) expect([name, found.length]).toEqual(['index', all.length]);
    else expect(failure).toMatchObject({ kind: 'corrupt', file: name, offset: expect.any(Number) as number });
    expect(found.length).toBeLessThanOrEqual(all.length);
    await block.close();
  }
});

test('every read of a disk that fails is an error of the call, and leaves a reader that can be asked again', async () => {
  const { vfs, open } = await lab();
  const block = await open();
  const expected = await collect(await block.select(selection, budget));
  const before = vfs.calls.length;
  await collect(await block.select(selection, budget));
  const readCount = vfs.calls.length - before;
  expect(readCount).toBeGreaterThan(5);
  for (let nth = 1; nth <= readCount; nth += 1) {
    vfs.fail({ operation: 'read', nth, code: 'EIO' });
    const reading = block.select(selection, budget).then(collect);
    await expect(reading).rejects.toMatchObject({ code: 'EIO' });
    expect(textOf(await collect(await block.select(selection, budget)))).toBe(textOf(expected));
  }
  await block.close();
});

test.each(['open', 'read', 'size', 'readDir', 'stat', 'readFile'] as const)(
  'a block that cannot be opened because of its %s leaves no file open',
  async (operation) => {
    for (let nth = 1; nth < 30; nth += 1) {
      const { vfs, open } = await lab();
      vfs.fail({ nth, code: 'EIO', operation });
      const opened = await open().catch(() => undefined);
      const count = (counted: string): number => vfs.calls.filter((call) => call.operation === counted).length;
      if (opened !== undefined) {
        expect(nth).toBeGreaterThan(1);
        await opened.close();
        return;
      }
      expect(count('close')).toBe(count('open') - Number(operation === 'open'));
    }
    throw new Error('every call has failed');
  },
);

test('a block whose files are deleted can be read to its end', async () => {
  const { vfs, open } = await lab();
  const block = await open();
  const expected = await collect(await block.select(selection, budget));
  const source = await block.select(selection, budget);
  const first = await source.next();
  expect(Buffer.from(first!.labels)).toEqual(Buffer.from(expected[0]!.labels));
  await vfs.removeAll(blockDir);
  expect(textOf(await collect(source))).toBe(textOf(expected.slice(1)));
  await block.close();
});

test('a source that is closed while it reads gives nothing more, and no error', async () => {
  const { vfs, open } = await lab();
  const block = await open();
  for (const fails of [false, true]) {
    const source = await block.select({ ...selection, pace: restlessPace }, budget);
    if (fails) vfs.fail({ operation: 'read', code: 'EIO' });
    const pending = source.next();
    source.close();
    expect(await pending).toBeUndefined();
    expect(source.next()).toBeUndefined();
  }
  await block.close();
});

test('a call that is cancelled ends at its next rest', async () => {
  const { open } = await lab();
  const block = await open();
  const pace = { isDue: true, rest: () => Promise.reject(new Error('cancelled')) };
  await expect(block.select({ ...selection, pace }, budget).then(collect)).rejects.toThrow('cancelled');
  await block.close();
});
