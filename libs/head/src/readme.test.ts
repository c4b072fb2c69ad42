import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOverlay } from '@gauntlet/select';
import { createHead, openHeadSnapshot, type AttachedChunk } from './index.js';
import { layOutBatch } from './testing/lay-out-batch.js';
import { MemorySink } from './testing/memory-sink.js';
import { restless, textOf } from './testing/read-source.js';

test('the example of the README works', async () => {
  const chunkSink = new MemorySink();
  const foundInFiles: AttachedChunk[] = [];
  const replayed: Uint8Array[] = [];
  const replayedLate: Uint8Array[] = [];
  const logged: Uint8Array[] = [];
  const block: unknown[] = [];
  const blockEndMs = 1_700_006_400_000;
  const log = (...records: (readonly Uint8Array[])[]): void => void logged.push(...records.flat());
  const nextTurn = (): Promise<void> => Promise.resolve();
  const batch = layOutBatch([{ labels: [['job', 'a']], samples: [{ t: 1_700_000_000_000n, bits: 0n }] }]);

  const sent: string[] = [];
  const send = (labels: Uint8Array, chunks: readonly unknown[]): void => {
    sent.push(`${textOf(labels)} ${String(chunks.length)}`);
  };
  const selection = {
    matchers: [],
    minTimeMs: -Infinity,
    maxTimeMs: Infinity,
    limit: 0,
    pace: restless(),
    overlay: createOverlay([{ name: 'replica', value: '1' }], []),
    skipChunks: false,
  };

  // <README>
  const head = createHead({ chunkRangeMs: 7_200_000, outOfOrderWindowMs: 1_800_000, exemplarsMax: 1000, chunkSink });
  for (const chunk of foundInFiles) head.attachStored(chunk); // Then the WAL, then the WBL; the first other call ends the replay.
  for (const record of replayed) head.replay(record);
  for (const record of replayedLate) head.replayOutOfOrder(record);

  const { records, outOfOrderRecords, rejected } = head.append(batch, 0, { timestampMsMax: Infinity });
  log(records, outOfOrderRecords); // To the WAL before the client is answered, then to the WBL.
  while (head.spill(5)) await nextTurn(); // Finished chunks go to files.

  const source = await head.select(selection); // Sees what has been appended, open chunks included.
  for (let series = await source.next(); series; series = await source.next()) send(series.labels, series.chunks);
  source.close();

  const snapshot = head.snapshot(head.minTimeMs, head.maxTimeMs);
  while (snapshot.prepare(5)) await nextTurn();
  const cursor = openHeadSnapshot(snapshot.description()); // In any thread.
  while (cursor.prepare(5)) await nextTurn();
  for (let series = cursor.next(); series; series = cursor.next()) block.push([series.labels, series.chunks]);
  cursor.close();
  snapshot.close();
  while (head.truncate(blockEndMs, 5)) await nextTurn();
  // </README>

  expect(sent).toEqual(['job=a,replica=1 1']);
  expect([rejected.outOfOrder, logged.length, block.length, head.seriesCount]).toEqual([0, 2, 1, 0]);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
