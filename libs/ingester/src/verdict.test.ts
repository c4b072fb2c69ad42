import { judgeWrite, type TenantFailure } from './verdict.js';

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
