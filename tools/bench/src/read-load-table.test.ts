import { toReadLoadRow, type Stretch } from './read-load-table.js';

const answer = (dueMs: number, answeredMs: number, code = '200') => ({ dueMs, sentMs: dueMs, answeredMs, code });
const read = (totalMs: number, items: number) => ({ items, totalMs, firstMs: 1, messages: 1, bytes: 1, warnings: [] });
const stretch: Stretch = {
  phase: 'all series are read',
  beginMs: 10_000,
  endMs: 14_000,
  usage: { cpuSeconds: 3, residentBytes: 100, residentBytesPeak: 150 },
  callerCpuSeconds: 2,
  reads: [read(900, 10), read(700, 10), read(800, 11)],
};

test('a write counts for a phase when any part of it fell into it, and is as late as it was due', () => {
  const answers = [
    answer(9000, 9990), // Before.
    answer(9990, 10_090),
    answer(12_000, 12_030),
    answer(13_990, 14_300, '503'),
    answer(14_100, 16_000), // After.
  ];
  const row = toReadLoadRow(stretch, { maker: 'gauntlet', samplesPerSecond: 5, answers });
  expect(row).toMatchObject({ requests: 3, failed: 1, maxMs: 310, seconds: 4 });
});

test('reads count when they are whole, and processors are processor time by the time of the phase', () => {
  const row = toReadLoadRow(stretch, { maker: 'thanos', samplesPerSecond: 5, answers: [] });
  expect(row).toMatchObject({ reads: 3, readMs: 800, seriesRead: 11, processors: 0.75, callerProcessors: 0.5 });
  expect(row).toMatchObject({ residentBytes: 100, residentBytesPeak: 150 });
  expect(toReadLoadRow({ ...stretch, reads: [] }, { maker: 'thanos', samplesPerSecond: 5, answers: [] })).toMatchObject(
    {
      reads: 0,
      readMs: 0,
      seriesRead: 0,
    },
  );
});
