import fc from 'fast-check';
import { replaceFileDurable, writeFileDurable } from './index.js';
import { CrashVfs, FaultyVfs, MemoryVfs } from './testing/index.js';

test('after power loss at any call, a replaced file is the old one or the new one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(8), fc.nat(), async (operations, seed) => {
      const disk = new CrashVfs();
      await replaceFileDurable(disk, '/state', Buffer.from('old'));
      disk.losePowerIn(operations);
      const stored = await replaceFileDurable(disk, '/state', Buffer.from('new')).then(
        () => true,
        () => false,
      );
      const found = Buffer.from(await disk.afterPowerLoss(seed).readFile('/state')).toString();
      expect(stored ? ['new'] : ['old', 'new']).toContain(found);
    }),
    { numRuns: 100 },
  );
});

test('whichever call fails, the old file is still whole', async () => {
  const rehearsal = new FaultyVfs(new MemoryVfs());
  await replaceFileDurable(rehearsal, '/state', Buffer.from('longer'));
  for (let nth = 1; nth <= rehearsal.calls.length; nth++) {
    const memory = new MemoryVfs();
    await writeFileDurable(memory, '/state', Buffer.from('old'));
    await expect(
      replaceFileDurable(new FaultyVfs(memory, { nth, code: 'EIO' }), '/state', Buffer.from('longer')),
    ).rejects.toMatchObject({ code: 'EIO' });
    expect(['old', 'longer']).toContain(Buffer.from(await memory.readFile('/state')).toString());
  }
});
