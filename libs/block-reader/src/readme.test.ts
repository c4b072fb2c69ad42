import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '@gauntlet/base';
import { labelsOf, labelsOfCanonical } from '@gauntlet/model';
import { createOverlay, type Selection } from '@gauntlet/select';
import { stillPace } from '@gauntlet/select/testing';
import { createBlockReaders, shareBudget } from './index.js';
import { blockDir, floatChunks, labelsText, memoryBlock } from './testing/lab.js';

test('the example of the README works', async () => {
  const jobs = ['b', 'a'].map((job) => ({ labels: labelsOf({ job }), chunks: floatChunks([[1_000]]) }));
  const { vfs, meta } = await memoryBlock(jobs);
  const dir = blockDir;
  const blockCount = 1;
  const query = { matchers: [], minTimeMs: 0, maxTimeMs: Infinity, limit: 0, pace: stillPace };
  const selection: Selection = { ...query, overlay: createOverlay([], []), skipChunks: false };
  const textOf = (labels: Uint8Array): string => labelsText(labelsOfCanonical(labels));
  const print: unknown[] = [];

  // <README>
  const readers = createBlockReaders(vfs, { bytesMax: 64 * MiB, filesMax: 512 }); // One for all tenants.
  const lease = await readers.use(dir, meta);
  try {
    const source = await lease.reader.select(selection, shareBudget(32 * MiB, blockCount));
    for (let series = await source.next(); series; series = await source.next()) print.push(textOf(series.labels));
    source.close();
    print.push(await lease.reader.labelValues('job', query));
  } finally {
    lease.release();
  }
  readers.forget(dir); // Before the block is deleted.
  // </README>

  expect(print).toEqual(['job=a', 'job=b', ['a', 'b']]);
  expect(readers.openCount).toBe(0);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
