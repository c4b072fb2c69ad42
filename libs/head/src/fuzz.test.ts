import { forEachMutation } from '@gauntlet/base/testing';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { recordType, replayWal } from '@gauntlet/wal';
import { createHead, RecordCorruptError, type Head } from './index.js';
import { dumpInOrder, dumpLate } from './testing/dump-head.js';
import { layOutBatch } from './testing/lay-out-batch.js';
import { filesBelow, recordedWal, write } from './testing/open-recorded.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const count = isLong ? 8000 : 60;
if (isLong) jest.setTimeout(1_200_000);

const options = { chunkRangeMs: 7_200_000, exemplarsMax: 100, outOfOrderWindowMs: 14_400_000 };
const recordBytesMax = 100_000;

async function recordsOf(path: string): Promise<Buffer[]> {
  const vfs = new MemoryVfs();
  await write(vfs, '/wal', filesBelow(recordedWal(path)));
  const records: Buffer[] = [];
  await replayWal(vfs, '/wal', {
    fromSegment: 'first',
    onRecord: (record) => void (record.length < recordBytesMax && records.push(Buffer.from(record))),
  });
  return records;
}

/** The first that are not tiny, series before all others. */
function firstOfEachType(records: readonly Buffer[]): Buffer[] {
  const first = new Map<number, Buffer>();
  for (const record of records)
    if (record.length > 20 && !first.has(recordType(record))) first.set(recordType(record), record);
  return [...first].sort(([a], [b]) => a - b).map(([, record]) => record);
}

/** Whether the head has taken the record; what it refuses, it refuses by the name of that error. */
function takes(replay: (record: Uint8Array) => void, record: Uint8Array): boolean {
  try {
    replay(record);
    return true;
  } catch (error) {
    if (!(error instanceof RecordCorruptError)) throw error;
    return false;
  }
}

/** It can be read, written to, and truncated to nothing. */
function isSound(head: Head): void {
  // Deltas that were damaged may say that samples are of any time.
  const samples = dumpInOrder(head).reduce((sum, series) => sum + series.samples.length, 0);
  expect(samples).toBeLessThanOrEqual(head.replayed.samples);
  dumpLate(head);
  const row = { labels: [['new', 'series']] as const, samples: [{ t: BigInt(2 ** 52), bits: 1n }] };
  expect(head.append(layOutBatch([row]), 0, { timestampMsMax: Infinity }).samplesAppended).toBe(1);
  head.outOfOrderSnapshot().drop();
  while (head.truncate(Infinity, Infinity));
}

describe('a damaged record is taken or refused, and the head goes on', () => {
  test.each(['all-records-none', 'all-records-v2-none'])('in the log %s', async (name) => {
    const records = firstOfEachType(await recordsOf(`good/${name}/wal`));
    expect(records.length).toBeGreaterThan(5);
    for (const [at, damaged] of records.entries()) {
      const type = recordType(damaged);
      let refused = 0;
      await forEachMutation(damaged, { seed: 1 + type * 100_000, count: count / 4, from: 1 }, ({ bytes }) => {
        const head = createHead(options);
        for (const [i, record] of records.entries()) {
          const isTaken = takes((one) => head.replay(one), i === at ? bytes : record);
          if (i === at) refused += Number(!isTaken);
          else expect(isTaken).toBe(true);
        }
        isSound(head);
      });
      // Those of unknown types and metadata are passed over.
      if (type >= 1 && type <= 4) expect(refused).toBeGreaterThan(0);
    }
  });

  test('in the log of samples out of order', async () => {
    const series = (await recordsOf('wbl/wal')).filter((record) => recordType(record) === 1);
    const late = await recordsOf('wbl/wbl');
    for (let seed = 1; seed <= count; seed += 1) {
      const at = (seed * 7) % late.length;
      await forEachMutation(late[at]!, { seed: seed * 100, count: 1, from: 1 }, ({ bytes }) => {
        const head = createHead(options);
        for (const record of series) head.replay(record);
        for (const record of [bytes, ...late.slice(at + 1, at + 20)])
          takes((one) => head.replayOutOfOrder(one), record);
        isSound(head);
      });
    }
  });
});
