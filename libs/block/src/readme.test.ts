import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource, openIndex, readChunk, writeBlock } from './index.js';
import { cursorOf, exampleSeries, memoryBlock } from './testing/fixtures.js';

test('the example of the README works', async () => {
  const head = cursorOf(exampleSeries);
  const sinks = memoryBlock();
  const source = (name: string): MemorySource => new MemorySource(name, sinks.files()[name]!);
  const print: unknown[] = [];

  // <README>
  const stats = await writeBlock(head, sinks, { yieldNow: () => new Promise((resolve) => setImmediate(resolve)) });
  if (stats.numSeries === 0) return; // Nothing was opened: make no block.

  const index = await openIndex(source('index'));
  for (const ref of await index.postings('job', 'a')) {
    const { labels, chunks } = await index.series(ref);
    for (const chunk of chunks) print.push(labels, await readChunk([source('chunks/000001')], chunk.ref));
  }
  // </README>

  expect(print.length).toBe(4);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
