import { tenantReaders } from './tenant-readers.js';
import type { ReadableTenant, Tenant } from './tenant.js';

const block = { minTime: 7000, maxTime: 9000 };
const noBlocks: ReadableTenant['blocks'] = [];
const oneBlock = [block] as unknown as ReadableTenant['blocks'];
const replaying = { state: 'replaying', incompleteFromMs: 9000 };
const [none, late] = [{ minTimeMs: Infinity }, { minTimeMs: 5000 }];
const open = { state: 'open', incompleteFromMs: Infinity, head: { seriesCount: 1, minTimeMs: 8000, outOfOrder: none } };
const empty = {
  state: 'open',
  incompleteFromMs: Infinity,
  head: { seriesCount: 0, minTimeMs: Infinity, outOfOrder: none },
};
const openLate = { ...open, head: { ...open.head, outOfOrder: late } };
const isReplayed = 'tenant a: the log is being replayed, samples from 9000 on may be missing';
const isFailing = 'tenant a: the database cannot be opened, samples that are in no block are missing: no disk';

// A store that announces no times is not asked at all, and nobody would hear that something is missing.
test.each<[what: string, of: object, minTimeMs: number, warnings: string[]]>([
  ['an open one announces its head', { blocks: noBlocks, database: open }, 8000, []],
  ['an open one without samples announces nothing', { blocks: noBlocks, database: empty }, Infinity, []],
  ['an open one with blocks announces the first of them', { blocks: oneBlock, database: open }, 7000, []],
  ['an open one announces what came late', { blocks: noBlocks, database: openLate }, 5000, []],
  ['an open one announces what came later than its blocks', { blocks: oneBlock, database: openLate }, 5000, []],
  ['one that is replayed may have any time', { blocks: noBlocks, database: replaying }, -Infinity, [isReplayed]],
  ['one that is replayed has its blocks', { blocks: oneBlock, database: replaying }, 7000, [isReplayed]],
  ['a dormant one announces its blocks', { blocks: oneBlock }, 7000, []],
  ['one that cannot be opened says so', { blocks: oneBlock, failure: 'no disk' }, 7000, [isFailing]],
  ['one that cannot be opened may have any time', { blocks: noBlocks, failure: 'no disk' }, -Infinity, [isFailing]],
])('of tenants, %s', (_what, of, minTimeMs, warnings) => {
  const { failure, ...readable } = of as { failure?: string };
  const tenants = { known: () => [{ name: 'a', readable, failure } as unknown as Tenant] };
  const readers = tenantReaders({ tenants, labels: {}, tenantLabelName: 'tenant_id', isReady: () => true });
  expect(readers.all()).toMatchObject([{ minTimeMs, warnings }]);
});
