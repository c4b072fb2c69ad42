import { decodeCanonicalLabels, type LabelBytes } from '@gauntlet/kernel';
import { canonicalLabels } from '@gauntlet/model';
import {
  describeCounts,
  describeLabels,
  describeOffenders,
  offendersMax,
  type Offender,
} from './describe-offenders.js';
import type { Rejection, RejectionCounts } from './rejection.js';

const label = (name: string | Buffer, value: string | Buffer): LabelBytes => [Buffer.from(name), Buffer.from(value)];
const up = [label('__name__', 'up'), label('job', 'api')];
const lateSample: Rejection = { series: 0, item: 'sample', first: 0, count: 1, reason: 'outOfOrder' };
const offender = (change: Partial<Offender> & { readonly count?: number } = {}): Offender => ({
  tenant: 'team-a',
  labels: up,
  ...change,
  rejection: { ...lateSample, ...(change.count !== undefined && { count: change.count }), ...change.rejection },
});

test('the text begins with what senders match on, and names the offender', () => {
  expect(describeOffenders({ offenders: [offender()], counts: { outOfOrder: 1 } })).toBe(
    'add 1 samples: out of order sample (tenant "team-a": {__name__="up", job="api"}: out of order sample)',
  );
});

test('a run of items is counted', () => {
  expect(describeOffenders({ offenders: [offender({ count: 3 })], counts: { outOfOrder: 3 } })).toMatch(
    /: out of order sample \(3 samples\)\)$/,
  );
});

test('what is not named is counted', () => {
  const offenders = Array.from({ length: 15 }, () => offender({ count: 2 }));
  const text = describeOffenders({ offenders, counts: { outOfOrder: 30, duplicate: 5 } });
  expect(text.match(/tenant "team-a"/g)).toHaveLength(offendersMax);
  expect(text).toMatch(
    /^2 errors: add 30 samples: out of order sample; add 5 samples: duplicate sample for timestamp \(tenant.*; and 15 more\)$/,
  );
});

test('a text that may not be long names fewer', () => {
  const offenders = Array.from({ length: 3 }, (_, i) => offender({ labels: [label('i', 'x'.repeat(80 + i))] }));
  const text = describeOffenders({ offenders, counts: { outOfOrder: 3 }, bytesMax: 300 });
  expect(text.match(/tenant "team-a"/g)).toHaveLength(2);
  expect(text).toMatch(/; and 1 more\)$/);
  expect(describeOffenders({ offenders, counts: { outOfOrder: 3 }, bytesMax: 10 })).toBe(
    'add 3 samples: out of order sample',
  );
});

test('without offenders there are the counts', () => {
  expect(describeOffenders({ offenders: [], counts: {} })).toBe('');
  expect(describeOffenders({ offenders: [], counts: { outOfOrder: 2 } })).toBe('add 2 samples: out of order sample');
});

test.each<[RejectionCounts, string]>([
  [{ outOfOrder: 1 }, 'add 1 samples: out of order sample'],
  [{ outOfBounds: 3, duplicate: 0 }, 'add 3 samples: out of bounds'],
  [{ tooOld: 2 }, 'add 2 samples: too old sample'],
  [{ invalidHistogram: 2 }, 'add 2 samples: invalid native histogram'],
  [{ exemplarOutOfOrder: 1 }, 'add 1 exemplars: out of order exemplar'],
  [{ exemplarLabels: 1 }, 'add 1 exemplars: label length for exemplar exceeds maximum of 128 UTF-8 characters'],
  [
    { duplicate: 1, outOfOrder: 1, emptyLabel: 1, unsortedLabel: 1 },
    '4 errors: add 1 samples: duplicate sample for timestamp; add 1 samples: out of order sample; ' +
      'add 1 series: label set contains a label with empty name or value; add 1 series: out of order labels',
  ],
])('rejections %j read as Thanos words them', (counts, text) => {
  expect(describeCounts(counts)).toBe(text);
});

test.each<[string, string | Buffer, string]>([
  ['quotes and backslashes', 'say "hi" \\', String.raw`"say \"hi\" \\"`],
  ['control characters', 'a\nb\tc\x07\x00\x7f', String.raw`"a\nb\tc\a\x00\x7f"`],
  ['letters of any script', 'größe 温度 😀', '"größe 温度 😀"'],
  ['characters that are not printed', '\u00a0\u200b\u{e0001}', String.raw`"\u00a0\u200b\U000e0001"`],
  [
    'bytes that are not UTF-8',
    Buffer.from([0x61, 0xff, 0xc3, 0x62, 0xed, 0xa0, 0x80, 0xe2, 0x82]),
    String.raw`"a\xff\xc3b\xed\xa0\x80\xe2\x82"`,
  ],
  ['the replacement character itself', '\ufffd', '"\ufffd"'],
  ['nothing', '', '""'],
])('values are quoted as Go quotes them: %s', (_case, value, quoted) => {
  expect(describeLabels([label('v', value)])).toBe(`{v=${quoted}}`);
});

test('names that are no identifiers are quoted too', () => {
  expect(describeLabels([label('http.status', '200'), label('', 'x')])).toBe('{"http.status"="200", ""="x"}');
});

test('a series without labels is an empty set', () => {
  expect(describeLabels([])).toBe('{}');
});

test.each<[string, LabelBytes[]]>([
  ['a long value', [label('v', 'x'.repeat(5_000_000))]],
  ['a long name', [label('n'.repeat(5_000_000), 'x')]],
  ['many labels', Array.from({ length: 10_000 }, (_, i) => label(`l${i}`, 'value'))],
  ['pairs of units at the end', [label('v', '😀'.repeat(2000))]],
  ['pairs of units at the end, shifted by one', [label('vv', '😀'.repeat(2000))]],
])('long labels are cut: %s', (_case, labels) => {
  const text = describeLabels(labels);
  expect(text).toMatch(/…\}$/);
  expect(text.length).toBeLessThanOrEqual(1026);
  expect(text.length).toBeGreaterThan(1000);
  expect(Buffer.from(text).toString()).toBe(text);
});

test('labels as they are stored are printed in their order', () => {
  const stored = canonicalLabels([
    { name: '__name__', value: 'up' },
    { name: 'job', value: 'api' },
  ]);
  expect(describeLabels(decodeCanonicalLabels(stored))).toBe('{__name__="up", job="api"}');
});
