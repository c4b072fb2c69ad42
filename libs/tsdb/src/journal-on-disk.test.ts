import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeVfs } from '@gauntlet/vfs';
import { Journal } from './journal.js';

test('a journal can be removed from a real disk, where a path through a directory that is gone leads nowhere', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'gauntlet-journal-'));
  try {
    const journal = await Journal.open(nodeVfs, dir, {});
    expect(await Journal.exists(nodeVfs, dir)).toBe(true);
    await journal.remove();
    expect(await Journal.exists(nodeVfs, dir)).toBe(false);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
