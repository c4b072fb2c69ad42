import { noRejections, type Rejections } from '@gauntlet/head';
import { describeRejections, judgeWrite, type TenantFailure } from './verdict.js';

const none: Rejections = noRejections();

test.each<[Partial<Rejections>, string]>([
  [{ outOfOrder: 1 }, 'add 1 samples: out of order sample'],
  [{ outOfBounds: 3 }, 'add 3 samples: out of bounds'],
  [{ tooOld: 2 }, 'add 2 samples: too old sample'],
  [{ invalidHistogram: 2 }, 'add 2 samples: invalid native histogram'],
  [{ exemplarOutOfOrder: 1 }, 'add 1 exemplars: out of order exemplar'],
  [{ exemplarLabels: 1 }, 'add 1 exemplars: label length for exemplar exceeds maximum of 128 UTF-8 characters'],
  [
    { duplicate: 1, outOfOrder: 1, emptyLabel: 1, unsortedLabel: 1 },
    '4 errors: add 1 samples: duplicate sample for timestamp; add 1 samples: out of order sample; ' +
      'add 1 series: label set contains a label with empty name or value; add 1 series: out of order labels',
  ],
])('rejections %j read as Thanos words them', (rejected, text) => {
  expect(describeRejections({ ...none, ...rejected })).toBe(text);
});

const failure = (tenant: string, kind: TenantFailure['kind'], reason = 'r') => ({ tenant, kind, reason });

test.each<[TenantFailure[], string | undefined, string | undefined]>([
  [[], undefined, undefined],
  [[failure('a', 'conflict')], 'conflict', 'writing a data to local TSDB: r'],
  [
    [failure('a', 'conflict'), failure('b', 'conflict')],
    'conflict',
    'got 2 errors while writing to multiple tenants, first one: writing a data to local TSDB: r',
  ],
  // Upstream lets the first tenant decide, so that b's samples would be dropped by the sender.
  [
    [failure('a', 'conflict'), failure('b', 'unavailable')],
    'unavailable',
    'got 2 errors while writing to multiple tenants, first one: writing b data to local TSDB: r',
  ],
  [
    [failure('a', 'rejected'), failure('b', 'conflict')],
    'conflict',
    'got 2 errors while writing to multiple tenants, first one: writing b data to local TSDB: r',
  ],
])('failures %j are judged %s', (failures, kind, message) => {
  const verdict = judgeWrite(failures);
  expect(verdict?.kind).toBe(kind);
  expect(verdict?.message).toBe(message);
});

test.each<[TenantFailure, number | undefined]>([
  // Another tenant's writes would succeed: the router must not leave the ingester alone.
  [failure('a', 'unavailable'), 13],
  [failure('a', 'overloaded'), 8],
  [{ ...failure('a', 'unavailable'), scope: 'ingester' }, undefined],
  [failure('a', 'conflict'), undefined],
])('a failure %j is told with status %s, or that of its kind', (one, status) => {
  expect(judgeWrite([one])?.grpcCode).toBe(status);
});
