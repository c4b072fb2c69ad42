import fc from 'fast-check';
import { CrashVfs } from '@gauntlet/vfs/testing';
import { type HeadChunkRecord, openHeadChunks } from './index.js';
import { dir, load } from './testing/golden.js';

const numRuns = process.env.GAUNTLET_LONG ? 5000 : 200;
const timeoutMs = 300_000; // For the long run; the usual one takes a second.

interface Script {
  /** Bytes of each chunk's data. */
  readonly sizes: readonly number[];
  readonly flushEvery: number;
  /** The flush before which a sync will fail and lose its data. */
  readonly loseSyncAt: number;
  readonly isClosed: boolean;
}

const scripts: fc.Arbitrary<Script> = fc.record({
  sizes: fc.array(fc.oneof(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 4, max: 900 })), {
    minLength: 1,
    maxLength: 30,
  }),
  flushEvery: fc.integer({ min: 1, max: 6 }),
  loseSyncAt: fc.nat(12),
  isClosed: fc.boolean(),
});

const chunkOf = (index: number, size: number): HeadChunkRecord => {
  const data = new Uint8Array(size).fill(index + 1);
  return { ref: index + 1, minTimeMs: index, maxTimeMs: index, encoding: 1, isOutOfOrder: false, data };
};

/** Writes until the script or the power ends. Returns how many chunks lie in files that were finished. */
async function writeUntilPowerLoss(disk: CrashVfs, script: Script, firstIndex: number): Promise<number> {
  const positions: number[] = [];
  let durable = 0;
  try {
    const files = await openHeadChunks(disk, dir, { fileBytesMax: 1500 });
    for (const [index, size] of script.sizes.entries()) {
      positions.push(files.append(chunkOf(firstIndex + index, size)).file);
      if (positions.length % script.flushEvery !== 0) continue;
      if (positions.length / script.flushEvery === script.loseSyncAt) disk.loseSyncs(1);
      // A flush that worked has finished every file but the last.
      await files.flush().then(() => (durable = positions.filter((file) => file < positions.at(-1)!).length));
    }
    if (script.isClosed) await files.close().then(() => (durable = positions.length));
  } catch (error) {
    expect(error).toMatchObject({ code: 'EIO' });
  }
  disk.losePowerIn(0);
  return durable;
}

test(
  'after power loss a load gives the first chunks that were written, at least those of finished files, and so again after a second loss',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        scripts,
        scripts,
        fc.nat(80),
        fc.nat(80),
        fc.nat(),
        async (script, second, powerLossAt, secondLossAt, seed) => {
          const disk = new CrashVfs();
          await disk.makeDir(`${dir}/..`); // Its own name is the caller's to sync.
          await disk.syncDir('/');
          disk.losePowerIn(powerLossAt);
          const durable = await writeUntilPowerLoss(disk, script, 0);
          const limited = disk.afterPowerLoss(seed);
          const first = await load(disk.afterPowerLoss(seed));
          expectStart(first.chunks, script.sizes, 0, durable);

          // The power may also go while the files are mended, and then while they go on.
          limited.losePowerIn(secondLossAt);
          let more = 0;
          try {
            expect((await load(limited)).chunks).toEqual(first.chunks);
            more = await writeUntilPowerLoss(limited, second, 100);
          } catch (error) {
            if (!limited.powerIsOff) throw error;
          }
          const after = await load(limited.afterPowerLoss(seed + 1));
          // A chunk that the first load gave is never lost while one written later is kept.
          const old = after.chunks.filter(({ ref }) => ref <= 100);
          const later = after.chunks.slice(old.length);
          expect(old).toEqual(first.chunks.slice(0, old.length));
          if (later.length > 0) expect(old).toEqual(first.chunks);
          expect(old.length).toBeGreaterThanOrEqual(Math.min(durable, first.chunks.length));
          expectStart(later, second.sizes, 100, more);
        },
      ),
      { numRuns },
    );
  },
  timeoutMs,
);

function expectStart(
  found: readonly { readonly ref: number; readonly data: string }[],
  sizes: readonly number[],
  firstIndex: number,
  atLeast: number,
): void {
  expect(found.map(({ ref, data }) => ({ ref, data }))).toEqual(
    sizes.slice(0, found.length).map((size, index) => {
      const { ref, data } = chunkOf(firstIndex + index, size);
      return { ref, data: Buffer.from(data).toString('base64') };
    }),
  );
  expect(found.length).toBeGreaterThanOrEqual(atLeast);
}
