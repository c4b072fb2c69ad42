import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBoundedFile } from './read-bounded-file.js';

let dir: string;
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'bounded-'))));
afterEach(() => rm(dir, { recursive: true }));

test('a file up to the bound is read whole, also through a link', async () => {
  await writeFile(join(dir, 'file'), 'four');
  await symlink('file', join(dir, 'link'));
  expect(String(await readBoundedFile(join(dir, 'link'), 4))).toBe('four');
  await expect(readBoundedFile(join(dir, 'link'), 3)).rejects.toThrow('it has more than 3 bytes');
});

test('what is missing, a directory and a device are refused', async () => {
  await expect(readBoundedFile(join(dir, 'none'), 9)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(readBoundedFile(dir, 9)).rejects.toThrow('it is no regular file');
  await expect(readBoundedFile('/dev/zero', 9)).rejects.toThrow('it is no regular file');
});
