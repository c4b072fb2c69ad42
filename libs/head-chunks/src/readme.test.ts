import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { loadHeadChunks, openHeadChunks, readHeadChunks } from './index.js';

test('the example of the README works', async () => {
  const vfs = new MemoryVfs();
  const dir = '/data/tenant/chunks_head';
  const chunk = { ref: 1, minTimeMs: 1, maxTimeMs: 2, encoding: 1, isOutOfOrder: false, data: Buffer.alloc(20, 1) };
  const attach = (_chunk: object, _data: Uint8Array): void => undefined;
  const warn = (problem: string, _setAside: readonly string[]): never => {
    throw new Error(problem);
  };
  const use = (index: number, bytes: Uint8Array): void => expect([index, bytes.length]).toEqual([0, 20]);

  // <README>
  const { damage } = await loadHeadChunks(vfs, dir, { onChunk: (chunk, data) => attach(chunk, data) });
  if (damage !== undefined) warn(damage.problem, damage.setAside); // Mended already; the log has the rest.

  const files = await openHeadChunks(vfs, dir);
  const position = files.append(chunk); // Final at once, and no I/O.
  await files.flush();
  const data = await files.read(position, chunk.data.length);
  await readHeadChunks(vfs, dir, [{ position, dataLength: data.length }], (index, bytes) => use(index, bytes));
  await files.truncateBefore(position.file); // What no series refers to any more.
  await files.close();
  // </README>

  expect(data).toEqual(chunk.data);
  expect((await loadHeadChunks(vfs, dir, { onChunk: attach })).chunks).toBe(1);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
