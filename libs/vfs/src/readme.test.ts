import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeVfs, type Vfs } from './index.js';
import { CrashVfs } from './testing/index.js';

test('the example of the README works', async () => {
  expect(nodeVfs).toBeDefined();
  // <README>
  // As little as it takes to replace a file durably and in one step.
  const replaceFile = async (vfs: Vfs, dir: string, name: string, bytes: Uint8Array): Promise<void> => {
    const file = await vfs.open(`${dir}/${name}.tmp`, 'replace');
    await file.write(bytes, 0);
    await file.datasync();
    await file.close();
    await vfs.rename(`${dir}/${name}.tmp`, `${dir}/${name}`);
    await vfs.syncDir(dir);
  };
  // In production with `nodeVfs`; in a test, with a disk that loses power:
  const disk = new CrashVfs();
  await replaceFile(disk, '/', 'state', Buffer.from('42'));
  const bytes = await disk.afterPowerLoss(7).readFile('/state');
  // </README>

  expect(Buffer.from(bytes).toString()).toBe('42');
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
