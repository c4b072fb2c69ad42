import { toRows } from './measure-cut.js';

const answer = (dueMs: number, answeredMs: number, code = '200') => ({ dueMs, sentMs: dueMs, answeredMs, code });

test('a request counts as during the cut when any part of it was, and is as late as it was due', () => {
  const rows = toRows('gauntlet', {
    cut: { beginMs: 10_000, endMs: 14_000 },
    windowMs: 5000,
    steadyMs: 6000,
    answers: [
      answer(5000, 5900), // Before the load was steady.
      answer(7000, 7010),
      answer(9990, 10_090), // Ends during the cut.
      answer(12_000, 12_030),
      answer(13_990, 14_300, '503'), // Begins during the cut.
      answer(14_100, 14_120),
      answer(30_000, 31_000), // Long after.
    ],
    memory: [
      { atMs: 7000, residentBytes: 100 },
      { atMs: 11_000, residentBytes: 300 },
      { atMs: 12_000, residentBytes: 200 },
    ],
  });
  expect(rows).toMatchObject([
    { phase: 'before', seconds: 4, requests: 1, failed: 0, maxMs: 10, residentBytesPeak: 100 },
    { phase: 'during', seconds: 4, requests: 3, failed: 1, maxMs: 310, residentBytesPeak: 300 },
    { phase: 'after', seconds: 5, requests: 1, failed: 0, maxMs: 20, residentBytesPeak: 0 },
  ]);
});
