import { isIdle, isRemovable, type ClosedTenant, type TenantActivity } from './idle-tenant.js';

const still: TenantActivity = {
  nowMs: 10_000,
  monotonicMs: 5000,
  lastWriteMonotonicMs: 3499,
  headMaxTimeMs: 8499,
  rangeMs: 1000,
};

test.each<[what: string, change: Partial<TenantActivity>, idle: boolean]>([
  ['no write and no sample for one and a half ranges', {}, true],
  ['a write since', { lastWriteMonotonicMs: 3500 }, false],
  ['samples that are not due for cutting', { headMaxTimeMs: 8500 }, false],
  ['samples of the future', { headMaxTimeMs: 99_000 }, false],
  ['no sample at all', { headMaxTimeMs: -Infinity }, true],
  // A sender that fills in the past: its samples are old, its writes are not.
  ['old samples written just now', { headMaxTimeMs: 5, lastWriteMonotonicMs: 4999 }, false],
])('a tenant with %s', (_what, change, idle) => expect(isIdle({ ...still, ...change })).toBe(idle));

const old: ClosedTenant = { hasLog: false, unshippedBlocks: 0, newestMs: 8999 };

test.each<[what: string, change: Partial<ClosedTenant>, retentionMs: number, removable: boolean]>([
  ['everything in the bucket and over the retention', {}, 1000, true],
  ['its newest block within the retention', { newestMs: 9000 }, 1000, false],
  ['a block that is not in the bucket', { unshippedBlocks: 1 }, 1000, false],
  ['samples in its log', { hasLog: true }, 1000, false],
  ['no retention time', {}, 0, false],
])('a closed tenant with %s', (_what, change, retentionMs, removable) =>
  expect(isRemovable({ ...old, ...change }, { nowMs: 10_000, retentionMs })).toBe(removable),
);
