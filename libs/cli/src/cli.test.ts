import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvariantViolation } from '@gauntlet/base';
import {
  type ProcessPort,
  parseExternalLabels,
  parseFlagValue,
  parseGoDuration,
  parseIngesterFlags,
  parsePrometheusDuration,
  parseRouterFlags,
  runApp,
} from './index.js';

const label = '--label=replica="0"';

test('defaults are those of Thanos', () => {
  expect(parseRouterFlags([label])).toMatchObject({
    kind: 'config',
    warnings: [],
    config: {
      logLevel: 'info',
      httpAddress: '0.0.0.0:10902',
      grpcAddress: '0.0.0.0:10901',
      remoteWriteAddress: '0.0.0.0:19291',
      replicationFactor: 1,
      workersPerPeer: 5,
      forwardTimeoutMs: 5000,
      compression: 'snappy',
      defaultTenant: 'default-tenant',
      grpcConnectionAgeMsMax: 3_600_000,
      externalLabels: [{ name: 'replica', value: '0' }],
    },
  });
  expect(parseIngesterFlags([label])).toMatchObject({
    config: {
      dataDir: './data',
      retentionMs: 15 * 86_400_000,
      chunkRangeMs: 7_200_000,
      walCompression: true,
      walDurability: 'sync',
      outOfOrderWindowMs: 0,
      outOfOrderCapMax: 32,
      exemplarsMax: 0,
      retentionBytesMax: 0,
      freeDiskBytesMin: 256 * 1024 ** 2,
      memoryBytesMax: undefined,
      lockFile: true,
      objstoreConfig: undefined,
      tenantLabelName: 'tenant_id',
    },
  });
});

test('values come with an equals sign or as the next word, and booleans have a negation', () => {
  expect(
    parseIngesterFlags([label, '--tsdb.path', '/d', '--no-tsdb.wal-compression', '--tsdb.no-lockfile']),
  ).toMatchObject({ config: { dataDir: '/d', walCompression: false, lockFile: false } });
});

const everyFlag = (
  JSON.parse(readFileSync(join(__dirname, '../testdata/flags.json'), 'utf8')) as {
    flags: { name: string; hidden: boolean; type: string }[];
  }
).flags.filter(({ name }) => !/^(help|version|completion)/.test(name));

test('every flag of thanos receive is served or refused by name, and never unknown or ignored', () => {
  for (const { name, type } of everyFlag) {
    for (const parse of [parseRouterFlags, parseIngesterFlags]) {
      const result = parse([label, type === 'bool' ? `--${name}` : `--${name}=1`]);
      if (result.kind !== 'exit') continue;
      expect(result.stderr).not.toContain('unknown long flag');
    }
  }
  expect(parseIngesterFlags([label, '--matcher-cache-size=0'])).toMatchObject({
    code: 1,
    stderr: "ingester: error: Cannot use flag '--matcher-cache-size': not yet supported\n",
  });
  expect(parseRouterFlags([label, '--tsdb.path=x'])).toMatchObject({
    code: 1,
    stderr: "router: error: Cannot use flag '--tsdb.path': it belongs to the ingester\n",
  });
});

test("Cap'n Proto addresses, and remote write on an ingester, are taken with a warning", () => {
  const result = parseIngesterFlags([
    label,
    '--receive.capnproto-address=0.0.0.0:1',
    '--remote-write.address=0.0.0.0:2',
  ]);
  expect(result).toMatchObject({
    kind: 'config',
    warnings: [expect.stringContaining("Cap'n Proto"), expect.stringContaining('remote-write.address')],
  });
});

test.each<[flags: string[], config: object]>([
  [['--tsdb.out-of-order.time-window=30m'], { outOfOrderWindowMs: 1_800_000 }],
  [['--tsdb.out-of-order.cap-max=255'], { outOfOrderCapMax: 255 }],
  [['--tsdb.out-of-order.cap-max=-1'], { outOfOrderCapMax: 32 }],
  [['--tsdb.max-exemplars=100000'], { exemplarsMax: 100_000 }],
  [['--tsdb.max-exemplars=-5'], { exemplarsMax: 0 }],
  [['--tsdb.max-retention-bytes=512MB'], { retentionBytesMax: 512 * 1024 ** 2 }],
  [['--tsdb.min-free-disk=0'], { freeDiskBytesMin: 0 }],
  [['--tsdb.max-memory=2GiB'], { memoryBytesMax: 2 * 1024 ** 3 }],
  [['--tsdb.max-memory=0'], { memoryBytesMax: 0 }],
  // No effect, and none was asked for.
  [['--tsdb.allow-overlapping-blocks', '--no-tsdb.enable-native-histograms', '--tsdb.write-queue-size=0'], {}],
])('limits of the database %j are %j', (flags, config) =>
  expect(parseIngesterFlags([label, ...flags])).toMatchObject({ kind: 'config', config, warnings: [] }),
);

test.each([
  ['--tsdb.out-of-order.cap-max=256', 1, 'must be at most 255, got 256'],
  ['--tsdb.max-memory=64MiB', 1, 'must be 0 or at least 128MiB'],
  ['--tsdb.max-retention-bytes=12', 2, 'units: unknown unit  in 12'],
  ['--tsdb.min-free-disk=-1MB', 2, 'units: invalid -1MB'],
  ['--tsdb.out-of-order.time-window=1.5h', 2, 'not a valid duration string'],
])('a limit %s is refused', (flag, code, text) =>
  expect(parseIngesterFlags([label, flag])).toMatchObject({ code, stderr: expect.stringContaining(text) }),
);

test.each([
  '--tsdb.memory-snapshot-on-shutdown',
  '--tsdb.write-queue-size=1000',
  '--tsdb.head.expanded-postings-cache-size=1',
])('%s is taken with a warning that it has no effect', (flag) =>
  expect(parseIngesterFlags([label, flag])).toMatchObject({
    kind: 'config',
    warnings: [expect.stringContaining(`Flag '${flag.split('=')[0]}' has no effect`)],
  }),
);

test('help lists every served flag with its default, and no hidden one', () => {
  const { stdout = '', code } = parseIngesterFlags(['--help']) as { stdout?: string; code: number };
  expect(code).toBe(0);
  expect(stdout).toContain('--tsdb.retention=15d');
  expect(stdout).toContain('--[no-]tsdb.wal-compression (default true)');
  expect(stdout).not.toContain('--tsdb.min-block-duration');
  expect(parseRouterFlags(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^router, version \d/),
  });
});

test('the content of a bucket config takes environment variables, which must be set', () => {
  const argv = [label, '--objstore.config=key: $(SECRET)'];
  expect(parseIngesterFlags(argv, { SECRET: 'x' })).toMatchObject({
    config: { objstoreConfig: { content: 'key: x', source: '--objstore.config' } },
  });
  expect(parseIngesterFlags(argv, {})).toMatchObject({ code: 1, stderr: expect.stringContaining('"SECRET"') });
});

test.each([
  ['15d', 1_296_000_000],
  ['2h30m', 9_000_000],
  ['0', 0],
  ['1ms', 1],
  ['', undefined],
  ['1.5h', undefined],
  ['30m2h', undefined],
])('prometheus duration %j is %p ms', (text, ms) => expect(parsePrometheusDuration(text)).toBe(ms));

test.each([
  ['60m', 3_600_000],
  ['1.5s', 1500],
  ['-2s', -2000],
  ['1m30s', 90_000],
  ['15d', undefined],
  ['5', undefined],
])('go duration %j is %p ms', (text, ms) => expect(parseGoDuration(text)).toBe(ms));

test.each([
  ['1KB', 1024],
  ['1.5GiB', 1.5 * 1024 ** 3],
  ['0', 0],
])('%s is %p bytes', (text, bytes) => expect(parseFlagValue('bytes', text)).toBe(bytes));

test('bytes without a unit are refused as Thanos refuses them', () => {
  expect(() => parseFlagValue('bytes', '12')).toThrow('units: unknown unit  in 12');
});

test.each([
  ['a="x\\n\\u00e9\\x41"', 'x\né' + 'A'],
  ['a=`raw\\n`', 'raw\\n'],
  ["a='z'", 'z'],
])('label %s has its Go literal read', (text, value) =>
  expect(parseExternalLabels([text])).toEqual([{ name: 'a', value }]),
);

test.each([`a='zz'`, 'a="x', 'a=""x"', `a="\\'"`, 'a="\\q"', 'a='])('label %s is refused', (text) => {
  expect(() => parseExternalLabels([text])).toThrow('unquote label value: invalid syntax');
});

test('labels are sorted by the bytes of their names', () => {
  expect(parseExternalLabels(['b="2"', 'a="1"', 'B="0"']).map(({ name }) => name)).toEqual(['B', 'a', 'b']);
});

describe('the life of an app', () => {
  function host() {
    const listeners = new Map<string, (error?: unknown) => void>();
    const log = { stderr: '', codes: [] as number[] };
    const port = {
      argv: [],
      on: (event: string, listener: () => void) => listeners.set(event, listener),
      stdout: () => undefined,
      stderr: (text: string) => void (log.stderr += text),
      exit: (code: number) => void log.codes.push(code),
    } as unknown as ProcessPort;
    return { port, log, signal: (name: string) => listeners.get(name)?.() };
  }
  const parse = () => ({ kind: 'config', config: null, warnings: [] }) as const;

  test('the first signal stops it gracefully', async () => {
    const { port, log, signal } = host();
    let stopped = 0;
    const run = runApp({ name: 'app', parse, start: async () => ({ stop: async () => void (stopped += 1) }) }, port);
    signal('SIGTERM');
    await run;
    expect([stopped, log.codes]).toEqual([1, [0]]);
  });

  test('a start that breaks off at the first signal ends well', async () => {
    const { port, log, signal } = host();
    const run = runApp(
      {
        name: 'app',
        parse,
        start: (_config, _warnings, stopping) =>
          new Promise((_resolve, reject) => stopping.addEventListener('abort', () => reject(stopping.reason as Error))),
      },
      port,
    );
    signal('SIGTERM');
    await run;
    expect(log).toEqual({ stderr: '', codes: [0] });
  });

  test('the second signal ends it at once', async () => {
    const { port, log, signal } = host();
    void runApp({ name: 'app', parse, start: async () => ({ stop: () => new Promise(() => undefined) }) }, port);
    signal('SIGINT');
    signal('SIGINT');
    expect(log.codes).toEqual([130]);
  });

  test.each([
    [new Error('listen tcp: busy\nmore'), 1, 'app: error: listen tcp: busy\n'],
    [new InvariantViolation('heads have tails'), 2, 'heads have tails'],
  ])('%s at the start is told and coded', async (error, code, text) => {
    const { port, log } = host();
    await runApp({ name: 'app', parse, start: () => Promise.reject(error) }, port);
    expect(log.codes).toEqual([code]);
    expect(log.stderr).toContain(text);
  });
});
