import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeVfs, replaceFileDurable } from './index.js';
import { CrashVfs } from './testing/index.js';

test('the example of the README works', async () => {
  expect(nodeVfs).toBeDefined();
  // <README>
  // In production with `nodeVfs`; in a test, with a disk that loses power:
  const disk = new CrashVfs();
  await disk.makeDir('/data');
  await disk.syncDir('/');
  await replaceFileDurable(disk, '/data/state', Buffer.from('42'));
  const bytes = await disk.afterPowerLoss(7).readFile('/data/state');
  // </README>

  expect(Buffer.from(bytes).toString()).toBe('42');
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
