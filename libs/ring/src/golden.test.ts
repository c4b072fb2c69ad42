import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { xxh64 } from '@gauntlet/base';
import { compileGlob } from './glob.js';
import {
  buildHashrings,
  HashringError,
  parseHashrings,
  type Algorithm,
  type HashringConfig,
  type Hashrings,
  type Ring,
} from './index.js';
import type { KetamaRing } from './ketama-ring.js';

// The files of testdata were recorded from Thanos; see README.md.
type Text = string | { readonly hex: string };
interface GoldenFile<Case> {
  readonly cases: readonly Case[];
}
interface RingCase {
  readonly name: string;
  readonly algorithm: string;
  readonly replicationFactor: number;
  readonly hashrings: unknown;
}

function golden<Case, File = GoldenFile<Case>>(name: string): File {
  return JSON.parse(readFileSync(join(__dirname, '../testdata', `${name}.json`), 'utf8')) as File;
}

const series = golden<{ hash: string; tenant: string; labels: string[] }>('series').cases;

function hashOf(index: number, tenant: string): bigint {
  const bytes = Buffer.concat(
    [tenant, ...(series[index]?.labels ?? [])].flatMap((text) => [Buffer.from(text), Buffer.from([0xff])]),
  );
  const out = new Uint32Array(2);
  xxh64(bytes, bytes.length, out, 0);
  return (BigInt(out[1] as number) << 32n) | BigInt(out[0] as number);
}

/** The addresses of the replicas of each hash, through a row table as a scan leaves it. */
function place(ring: Ring, hashes: readonly bigint[]): string[][] {
  const rows = new Uint8Array(hashes.length * 56);
  const view = new DataView(rows.buffer);
  hashes.forEach((hash, row) => view.setBigUint64(row * 56 + 8, hash, true));
  const tuples = new Uint32Array(hashes.length);
  ring.placeRows(rows, 0, hashes.length, tuples);
  const rf = ring.replicationFactor;
  expect(tuples.every((tuple) => tuple < ring.tupleCount)).toBe(true);
  return Array.from(tuples, (tuple) =>
    Array.from(
      ring.tupleOwners.subarray(tuple * rf, tuple * rf + rf),
      (owner) => (ring.endpoints[owner] as { address: string }).address,
    ),
  );
}

function build({ algorithm, replicationFactor, hashrings }: RingCase): Hashrings {
  return buildHashrings(parseHashrings(JSON.stringify(hashrings)), {
    algorithm: algorithm as Algorithm,
    replicationFactor,
  });
}

describe.each(['placement-hashmod', 'placement-ketama', 'placement-az'])('%s', (file) => {
  interface Case extends RingCase {
    readonly nodes: string[];
    readonly placement: number[][];
    readonly seriesCount: number;
  }
  const { cases } = golden<Case>(file);
  // Thanos takes an unknown algorithm for hashmod; we refuse it, as a typing error.
  const unknown = [
    'unknown algorithm flag means hashmod',
    'empty algorithm flag means hashmod',
    'unknown algorithm in file means hashmod',
  ];

  test.each(cases.filter(({ name }) => !unknown.includes(name)).map((c) => [c.name, c] as const))('%s', (_, c) => {
    // The recordings of hashmod go on to the last endpoint, whatever the replication factor.
    const ring = build({ ...c, replicationFactor: c.placement.length }).forTenant('any') as Ring;
    const placed = place(
      ring,
      series.slice(0, c.seriesCount).map(({ hash }) => BigInt(hash)),
    );
    const expected = placed.map((_owners, i) => c.placement.map((replica) => c.nodes[replica[i] as number] as string));
    expect(placed).toEqual(expected);
  });

  for (const c of cases.filter(({ name }) => unknown.includes(name))) {
    test(`${c.name}: refused`, () => {
      expect(() => build(c)).toThrow(expect.objectContaining({ code: 'HASHRING_INVALID' }) as Error);
      expect(() => build(c)).toThrow('unknown algorithm');
    });
  }
});

test('ketama sections have the recorded points and owners', () => {
  interface Case extends Omit<RingCase, 'algorithm'> {
    readonly sectionCount: number;
    readonly sections: [position: number, point: string, owner: number, replicas: number[]][];
  }
  for (const c of golden<Case>('ketama-sections').cases) {
    const ring = build({ ...c, algorithm: 'ketama' }).rings[0] as KetamaRing;
    const sections = [...ring.sections()];
    expect(sections).toHaveLength(c.sectionCount);
    for (const [position, point, owner, replicas] of c.sections) {
      expect([position, sections[position]?.point, ...(sections[position]?.owners ?? [])]).toEqual([
        position,
        BigInt(point),
        ...replicas,
      ]);
      expect(replicas[0]).toBe(owner);
    }
  }
});

describe('placement-shuffle', () => {
  interface Case extends RingCase {
    readonly nodes: string[];
    readonly buildError?: string;
    readonly tenants?: { tenant: string; shardSize: number; shard: number[]; error?: string; placement: number[][] }[];
  }
  // Thanos refuses these at the writes of the tenants concerned, with the text recorded for them.
  const refused = new Map([
    ['zones [1 3 5], shard size 4: the zone with one node is too small', /^shard size 4 .* in AZ zone-1 \(1\)$/],
    ['override too large', /^shard size 10 is larger than number of nodes in AZ {2}\(9\)$/],
    ['shard smaller than rf', /shard size 2 gives a tenant 2 endpoints, fewer than the replication factor 3$/],
  ]);

  test.each(golden<Case>('placement-shuffle').cases.map((c) => [c.name, c] as const))('%s', (name, c) => {
    const text = refused.get(name) ?? c.buildError;
    if (text !== undefined) return expect(() => build(c)).toThrow(text);
    const hashrings = build(c);
    for (const { tenant, shard, placement } of c.tenants ?? []) {
      const ring = hashrings.forTenant(tenant) as Ring;
      expect([tenant, ...ring.endpoints.map(({ address }) => c.nodes.indexOf(address))]).toEqual([tenant, ...shard]);
      const hashes = (placement[0] ?? []).map((_, i) => hashOf(i, tenant));
      expect(place(ring, hashes)).toEqual(
        hashes.map((_, i) => placement.map((replica) => c.nodes[replica[i] as number] as string)),
      );
    }
  });
});

describe('multi-hashring', () => {
  interface Case extends RingCase {
    readonly nodes: string[];
    readonly tenants?: {
      tenant: string;
      hashring?: number;
      error?: string;
      errorAtReplica?: unknown;
      placement: number[][];
    }[];
    readonly buildError?: string;
  }
  // Refused at load, where Thanos fails (or never matches) at each write.
  const refused = new Map([
    ['unknown matcher type never matches', 'unknown tenant_matcher_type "regex"'],
    ['matcher type is case sensitive', 'unknown tenant_matcher_type "Glob"'],
    ['bad pattern', 'syntax error in pattern'],
    ['bad pattern behind an exact ring', 'syntax error in pattern'],
    ['small exact ring with RF 2, hashmod fails at pick', 'insufficient nodes; have 1, want 2'],
    ['hashmod ring without endpoints', 'insufficient nodes; have 0, want 1'],
  ]);

  test.each(golden<Case>('multi-hashring').cases.map((c) => [c.name, c] as const))('%s', (name, c) => {
    const text = refused.get(name) ?? c.buildError;
    if (text !== undefined) return expect(() => build(c)).toThrow(text);
    const hashrings = build(c);
    for (const { tenant, hashring, error, placement } of c.tenants ?? []) {
      const ring = hashrings.forTenant(tenant);
      expect(hashrings.forTenant(tenant)).toBe(ring);
      if (error !== undefined) {
        expect(ring).toBeUndefined();
        continue;
      }
      const whole = hashrings.rings[hashring as number] as Ring;
      expect([ring?.name, whole.endpoints]).toEqual([whole.name, expect.arrayContaining([...(ring?.endpoints ?? [])])]);
      if (hashrings.shuffleCaches().length === 0) expect(ring).toBe(whole);
      const hashes = (placement[0] ?? []).map((_, i) => hashOf(i, tenant));
      expect(place(ring as Ring, hashes)).toEqual(
        hashes.map((_, i) => placement.map((replica) => c.nodes[replica[i] as number] as string)),
      );
    }
  });
});

describe('errors', () => {
  interface Case extends RingCase {
    readonly outcome: 'built' | 'build error' | 'never returns';
    readonly error?: string;
    readonly singleNode?: string;
    readonly series?: number;
    readonly tenant: string;
    readonly picks?: { n: number; address?: string; error?: string }[];
  }
  // An ingester without hashring is no concern of a router.
  const cases = golden<Case>('errors').cases.filter(({ singleNode }) => singleNode === undefined);

  test.each(cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    const tooFew = c.picks?.find(({ n, error }) => n < c.replicationFactor && error?.startsWith('insufficient'));
    if (c.outcome === 'never returns') expect(() => build(c)).toThrow(/its zones can hold \d+ replicas, not \d+/);
    else if (c.algorithm === 'foo') expect(() => build(c)).toThrow('unknown algorithm "foo"');
    else if (c.outcome === 'build error')
      expect(() => build(c)).toThrow(expect.objectContaining({ message: c.error }) as Error);
    else if (tooFew) expect(() => build(c)).toThrow('insufficient nodes');
    else {
      const ring = build(c).forTenant(c.tenant);
      for (const { n, address, error } of c.picks ?? []) {
        if (address !== undefined)
          expect(place(ring as Ring, [hashOf(c.series as number, c.tenant)])[0]?.[n]).toBe(address);
        else if (error?.startsWith('no matching')) expect(ring).toBeUndefined();
      }
    }
  });
});

describe('config-file', () => {
  interface Case {
    readonly name: string;
    readonly file: Text;
    readonly parsed?: unknown;
    readonly parsedIsNull?: boolean;
    readonly parseError?: string;
    readonly build?: Record<Algorithm, { nodes?: string[]; error?: string }> | null;
  }
  const { cases } = golden<Case>('config-file');
  const textOf = (file: Text): string =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      typeof file === 'string' ? Buffer.from(file) : Buffer.from(file.hex, 'hex'),
    );

  test.each(cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    if (c.parseError !== undefined) {
      expect(() => parseHashrings(textOf(c.file))).toThrow(
        expect.objectContaining({ code: 'HASHRING_UNPARSABLE' }) as Error,
      );
      // Errors of the JSON reader are worded by each program; those of the schema are not.
      if (!/^(json:|invalid character|unexpected end)/.test(c.parseError))
        expect(() => parseHashrings(textOf(c.file))).toThrow(c.parseError);
      return;
    }
    const configs = parseHashrings(textOf(c.file));
    if (c.parsedIsNull) return expect(configs).toEqual([]);
    expect(configs.map(recorded)).toEqual((c.parsed as RecordedHashring[]).map(withOurInference));
    for (const algorithm of ['hashmod', 'ketama'] as const) {
      const result = c.build?.[algorithm];
      const addresses = (): string[] =>
        buildHashrings(configs, { algorithm, replicationFactor: 1 })
          .rings.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))
          .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const refusal = ours(configs, algorithm);
      if (refusal) expect(addresses).toThrow(refusal);
      else if (result?.error) expect(addresses).toThrow(expect.objectContaining({ message: result.error }) as Error);
      else if (result?.nodes) expect(addresses()).toEqual(result.nodes);
    }
  });

  /** What Thanos builds and we refuse. */
  function ours(configs: readonly HashringConfig[], algorithm: Algorithm): string | undefined {
    if (configs.some((c) => !['', 'hashmod', 'ketama'].includes(c.algorithm))) return 'unknown algorithm';
    if (configs.some((c) => !['', 'exact', 'glob'].includes(c.matcherType))) return 'unknown tenant_matcher_type';
    const effective = (c: HashringConfig): string => c.algorithm || algorithm;
    if (configs.some((c) => effective(c) === 'hashmod' && c.endpoints.length === 0))
      return 'insufficient nodes; have 0, want 1';
    return undefined;
  }
});

interface RecordedHashring {
  readonly endpoints: readonly { address: string; az: string; capnproto_address: string }[];
}

function recorded(config: HashringConfig): RecordedHashring & Record<string, unknown> {
  const { shuffleSharding } = config;
  return {
    hashring: config.name,
    tenants: config.tenants,
    tenant_matcher_type: config.matcherType,
    algorithm: config.algorithm,
    endpoints: config.endpoints.map(({ address, zone, capnprotoAddress }) => ({
      address,
      az: zone,
      capnproto_address: capnprotoAddress,
    })),
    external_labels: [...config.externalLabels]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flat(),
    shuffle_sharding_config: {
      shard_size: shuffleSharding.shardSize,
      cache_size: shuffleSharding.cacheSize,
      zone_awareness_disabled: shuffleSharding.zoneAwarenessDisabled,
      overrides: shuffleSharding.overrides.map((o) => ({
        shard_size: o.shardSize,
        tenants: o.tenants,
        tenant_matcher_type: o.matcherType,
      })),
    },
  };
}

/** Thanos cuts an IPv6 address at its first colon, and keeps an inferred address when the list is given twice. */
function withOurInference(hashring: RecordedHashring): RecordedHashring {
  const inferred = (address: string): string => `${/^(\[[^\]]*\]|[^:]*)/.exec(address)?.[0]}:19391`;
  return {
    ...hashring,
    endpoints: hashring.endpoints.map((e) =>
      e.capnproto_address.endsWith(':19391') ? { ...e, capnproto_address: inferred(e.address) } : e,
    ),
  };
}

test('patterns match the names they are recorded to match', () => {
  const { names, cases } = golden<never, { names: Text[]; cases: { pattern: string; result: string }[] }>('glob');
  for (const { pattern, result } of cases) {
    const glob = compileGlob(pattern);
    // A name that is no UTF-8 reaches us, if at all, as U+FFFD: one character, as there.
    const ours = names.map((name) => (glob ? Number(glob(typeof name === 'string' ? name : '\ufffd')) : 'E')).join('');
    expect([pattern, ours]).toEqual([pattern, result]);
  }
});

test('a hashring that cannot be built carries a code and asks for no retry', () => {
  const error = new HashringError('HASHRING_INVALID', 'x');
  expect([error.kind, error.code, error.name]).toEqual(['rejected', 'HASHRING_INVALID', 'HashringError']);
});
