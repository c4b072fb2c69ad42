import { readinessOf } from './readiness.js';

const calm = {
  isStopping: false,
  isStarting: false,
  reasons: [],
  tenants: { open: 3, replaying: 0, dormant: 9, failing: 0 },
};

test.each<[what: string, change: Partial<Parameters<typeof readinessOf>[0]>, ready: boolean, notes: string[]]>([
  ['all is well', {}, true, []],
  ['tenants are looked for', { isStarting: true }, true, ['opening the tenants that have something in their log']],
  [
    'logs are being replayed',
    { tenants: { ...calm.tenants, replaying: 2 } },
    true,
    ['replaying the logs of 2 of 3 open tenants'],
  ],
  [
    'a tenant cannot be opened',
    { tenants: { ...calm.tenants, failing: 1 } },
    true,
    ['databases of 1 tenants cannot be opened and are tried again'],
  ],
  ['the disk is full', { reasons: ['disk'] }, false, ['disk']],
  ['it ends', { isStopping: true }, false, ['stopping']],
])('while %s', (_what, change, ready, notes) => expect(readinessOf({ ...calm, ...change })).toEqual({ ready, notes }));
