import { seriesKey, valueOf } from './numbered-samples.js';
import type { BatchRecord } from './numbered-traffic.js';
import type { StoredCopy } from './stored-samples.js';
import { broken, failuresOf, summaryOf, type Sent } from './write-invariants.js';

function record(number: number, outcome: BatchRecord['outcome'], results: readonly (number | 'lost')[]): BatchRecord {
  const attempts = results.map((result, at) => ({ startMs: at * 10, endMs: at * 10 + at + 1, result, text: 'why' }));
  return { sender: 1, number, timestampMs: 1000 + number, outcome, attempts };
}
const sent: Sent = {
  seriesPerSender: 2,
  records: [record(0, 'stored', [503, 'lost', 200]), record(1, 'given-up', [503]), record(2, 'refused', [409])],
};
const sample = (number: number, index: number): { timestampMs: number; value: number } => ({
  timestampMs: 1000 + number,
  value: valueOf(number, index),
});
const copy = (...numbers: readonly number[]): Map<string, { timestampMs: number; value: number }[]> =>
  new Map([0, 1].map((index) => [seriesKey(1, index), numbers.map((number) => sample(number, index))]));

test('nothing is broken when what was answered with success is on a quorum, whatever became of the rest', () => {
  expect(broken(sent, [copy(0), copy(0, 1), new Map()], 2)).toEqual([]);
});

test.each<[string, StoredCopy, string]>([
  [
    'a sample on too few',
    new Map([[seriesKey(1, 0), [sample(0, 0)]]]),
    'lost: 1/00001 of batch 0 at 1000 is on 1 of 2',
  ],
  ['a sample twice', copy(0, 0), 'twice: 1/00000 at 1000 on ingester 1'],
  ['a time that nobody sent', copy(0, 7), 'invented: 1/00000 at 1007 is 700000 on ingester 1'],
  ['another value', copy(0).set(seriesKey(1, 0), [sample(0, 0), sample(1, 1)]), 'invented: 1/00000 at 1001 is 100001'],
  ['another series', copy(0).set('1/00002', [sample(0, 2)]), 'invented: 1/00002 at 1000'],
  ['another sender', copy(0).set('3/00000', [sample(0, 0)]), 'invented: 3/00000 at 1000'],
])('%s is found', (_what, second, flaw) => {
  expect(broken(sent, [copy(0), second], 2)[0]).toContain(flaw);
});

test('a summary counts batches by how they ended, and attempts by how they failed', () => {
  expect(summaryOf(sent)).toEqual({
    batches: 3,
    samples: 6,
    stored: 1,
    refused: 1,
    givenUp: 1,
    failures: { 409: 1, 503: 2, lost: 1 },
    attemptsMax: 3,
    p50Ms: 1,
    p99Ms: 3,
    slowestMs: 3,
  });
  expect(failuresOf(sent)[0]).toBe('batch 1/0: 503 after 1 ms at 1970-01-01T00:00:00.000Z: why');
});
