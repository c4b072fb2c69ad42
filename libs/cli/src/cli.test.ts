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
/** Any that is there. */
const someFile = join(__dirname, '../package.json');

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

describe('every flag of thanos receive', () => {
  const everyFlag = (
    JSON.parse(readFileSync(join(__dirname, '../testdata/flags.json'), 'utf8')) as {
      flags: { name: string; type: string; values?: string[]; default: string | string[] | null }[];
    }
  ).flags;
  const files = (prefix: string) => [`--${prefix}-cert=c`, `--${prefix}-key=k`];
  /** Values that mean something, where the type alone does not say one, and what has to come along. */
  const given: Readonly<Record<string, { value?: string; along?: string[] }>> = {
    'grpc-server-tls-cert': { along: ['--grpc-server-tls-key=k'] },
    'grpc-server-tls-key': { along: ['--grpc-server-tls-cert=c'] },
    'grpc-server-tls-client-ca': { along: files('grpc-server-tls') },
    'remote-write.server-tls-cert': { along: ['--remote-write.server-tls-key=k'] },
    'remote-write.server-tls-key': { along: ['--remote-write.server-tls-cert=c'] },
    'remote-write.server-tls-client-ca': { along: files('remote-write.server-tls') },
    'receive.tenant-certificate-field': {
      value: 'commonName',
      along: [...files('remote-write.server-tls'), '--remote-write.server-tls-client-ca=ca'],
    },
    'receive.replication-protocol': { value: 'protobuf' },
    'request.logging-config': { value: 'options: {level: INFO}' },
    'log.format': { value: 'json' },
    'log.level': { value: 'debug' },
    'hash-func': { value: 'SHA256' },
    label: { value: 'a="b"' },
    'tsdb.max-retention-bytes': { value: '1GB' },
    'tsdb.min-block-duration': { value: '1h' },
    'tsdb.max-block-duration': { value: '4h' },
    'objstore.config-file': { value: someFile },
    'receive.limits-config-file': { value: someFile },
    'receive.relabel-config-file': { value: someFile },
    'request.logging-config-file': { value: '/dev/null' },
  };
  const valueOf = ({ name, type, values }: (typeof everyFlag)[number]): string =>
    given[name]?.value ?? values?.[1] ?? (type.includes('duration') ? '1m' : '1');

  const result = (app: 'router' | 'ingester', flag: (typeof everyFlag)[number]): string => {
    const argv = [label, flag.type === 'bool' ? `--${flag.name}` : `--${flag.name}=${valueOf(flag)}`];
    const parsed = (app === 'router' ? parseRouterFlags : parseIngesterFlags)([
      ...argv,
      ...(given[flag.name]?.along ?? []),
    ]);
    if (parsed.kind === 'config') {
      const told = [...parsed.warnings, ...parsed.config.notes].some((line) => line.includes(`--${flag.name}'`));
      return told ? 'taken, and told to have no effect' : 'taken';
    }
    return parsed.code === 0 ? 'printed' : (parsed.stderr ?? '').trim();
  };

  test.each(everyFlag.map((flag) => [flag.name, flag] as const))(
    '--%s has a meaning, or a refusal that says why and what to do instead',
    (name, flag) => {
      for (const app of ['router', 'ingester'] as const) {
        const said = result(app, flag);
        if (/^(taken|printed)/.test(said)) continue;
        expect(said).toMatch(/^(router|ingester): error: Cannot use flag '--/);
        expect(said).toContain(`--${name}': `);
        expect(said).toMatch(/leave (it|the flag) out|see --help$/);
      }
    },
  );

  test('is refused only where it would change what the app is, or nothing comes near its meaning', () => {
    const refusedBy = (app: 'router' | 'ingester') =>
      everyFlag.filter((flag) => !/^(taken|printed)/.test(result(app, flag))).map(({ name }) => name);
    const inOrder = (a: string, b: string): number =>
      everyFlag.findIndex(({ name }) => name === a) - everyFlag.findIndex(({ name }) => name === b);
    const byBoth = [
      'completion-bash',
      'completion-script-bash',
      'completion-script-zsh',
      'help-man',
      'tracing.config',
      'tracing.config-file',
    ];
    expect(refusedBy('router')).toEqual([...byBoth, 'receive.local-endpoint'].sort(inOrder));
    expect(refusedBy('ingester')).toEqual([...byBoth, 'receive.hashrings', 'receive.hashrings-file'].sort(inOrder));
  });
});

test.each([
  ['--receive.capnproto-address=0.0.0.0:1', "Cap'n Proto is not served"],
  ['--enable-feature=metric-names-filter,foo', "Feature 'metric-names-filter' has no effect"],
  ['--enable-feature=foo', 'Feature "foo" is unknown'],
])('%s is taken with a warning', (flag, text) => {
  for (const parse of [parseRouterFlags, parseIngesterFlags]) {
    expect(parse([label, flag])).toMatchObject({
      kind: 'config',
      warnings: expect.arrayContaining([expect.stringContaining(text)]),
    });
  }
});

test.each(['--enable-auto-gomemlimit', '--auto-gomemlimit.ratio=0.5', '--debug.name=x'])(
  '%s is for Go alone, which is told at level debug',
  (flag) =>
    expect(parseRouterFlags([label, flag])).toMatchObject({
      warnings: [],
      config: { notes: [expect.stringContaining('it concerns the runtime of Go')] },
    }),
);

describe('TLS', () => {
  const files = ['--grpc-server-tls-cert=c', '--grpc-server-tls-key=k'];
  const writeFiles = ['--remote-write.server-tls-cert=c', '--remote-write.server-tls-key=k'];
  const names = { minVersion: '1.3', ciphers: [], curves: [] };

  test.each<[flags: string[], config: object]>([
    [[], { grpcTls: undefined, remoteWriteTls: undefined, httpConfigFile: undefined, peerTls: undefined }],
    [files, { grpcTls: { certFile: 'c', keyFile: 'k', ...names }, remoteWriteTls: undefined }],
    [[...files, '--grpc-server-tls-client-ca=ca'], { grpcTls: { clientCaFile: 'ca' } }],
    [
      [
        ...writeFiles,
        '--remote-write.server-tls-min-version=1.2',
        '--remote-write.server-tls-ciphers=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
        '--remote-write.server-tls-curves=X25519',
        '--remote-write.server-tls-curves=CurveP256',
      ],
      {
        remoteWriteTls: {
          minVersion: '1.2',
          ciphers: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
          curves: ['X25519', 'CurveP256'],
        },
      },
    ],
    [['--remote-write.client-tls-secure'], { peerTls: { skipVerify: false, minVersion: '1.3' } }],
    [
      [
        '--remote-write.client-tls-secure',
        '--remote-write.client-tls-ca=ca',
        '--remote-write.client-tls-cert=c',
        '--remote-write.client-tls-key=k',
        '--remote-write.client-server-name=ingester',
        '--remote-write.client-tls-skip-verify',
      ],
      { peerTls: { caFile: 'ca', certFile: 'c', keyFile: 'k', serverName: 'ingester', skipVerify: true } },
    ],
    [['--http.config=web.yml'], { httpConfigFile: 'web.yml' }],
    [
      [...writeFiles, '--remote-write.server-tls-client-ca=ca', '--receive.tenant-certificate-field=organization'],
      { tenantCertificateField: 'organization' },
    ],
  ])('by %j is %j', (flags, config) =>
    expect(parseRouterFlags([label, ...flags])).toMatchObject({ kind: 'config', config, warnings: [] }),
  );

  test.each([
    [['--grpc-server-tls-key=k'], 'both server key and certificate must be provided'],
    [['--remote-write.server-tls-cert=c'], 'both server key and certificate must be provided'],
    [['--grpc-server-tls-client-ca=ca'], 'a server key and certificate must also be provided'],
    [
      [...files, '--grpc-server-tls-ciphers=RC4'],
      'invalid cipher suite: RC4, valid values are TLS_AES_128_GCM_SHA256,',
    ],
    [[...files, '--grpc-server-tls-curves=P-256'], 'invalid curve: P-256, valid values are CurveP256,'],
    [
      ['--remote-write.client-tls-secure', '--remote-write.client-tls-cert=c'],
      'both client key and certificate must be provided',
    ],
    // S31: Thanos starts, and dies at the first write.
    [['--receive.tenant-certificate-field=commonName'], 'clients have to show a certificate'],
    [[...writeFiles, '--receive.tenant-certificate-field=commonName'], 'clients have to show a certificate'],
  ])('by %j is refused: %s', (flags, text) =>
    expect(parseRouterFlags([label, ...flags])).toMatchObject({ code: 1, stderr: expect.stringContaining(text) }),
  );

  test('to peers that is only half asked for is told to have no effect', () =>
    expect(parseRouterFlags([label, '--remote-write.client-tls-ca=ca'])).toMatchObject({
      config: { peerTls: undefined },
      warnings: [expect.stringContaining('unless --remote-write.client-tls-secure is given')],
    }));
});

describe('what a router does with writes', () => {
  test.each<[flags: string[], config: object]>([
    [
      [],
      {
        splitLabel: undefined,
        relabelConfig: undefined,
        limits: undefined,
        requestLog: undefined,
        replicaHeader: 'THANOS-REPLICA',
        artificialDelayMsMax: 0,
        otlp: { targetInfo: true, promoteResourceAttributes: [] },
      },
    ],
    [['--receive.split-tenant-label-name=team'], { splitLabel: 'team' }],
    [['--receive.relabel-config=- {action: drop}'], { relabelConfig: { content: '- {action: drop}' } }],
    [['--receive.limits-config=write: $(LIMITS)'], { limits: { content: 'write: {}' } }],
    [
      [`--receive.limits-config-file=${someFile}`, '--receive.limits-config-reload-timer=5s'],
      { limits: { file: someFile, reloadMs: 5000 } },
    ],
    [
      [
        '--no-receive.otlp-enable-target-info',
        '--receive.otlp-promote-resource-attributes=a',
        '--receive.otlp-promote-resource-attributes=b',
      ],
      { otlp: { targetInfo: false, promoteResourceAttributes: ['a', 'b'] } },
    ],
    [
      ['--request.logging-config=http: {options: {level: DEBUG, decision: {log_end: true}}}'],
      { requestLog: { http: { level: 'DEBUG', logsStart: false, logsEnd: true, only: [] }, grpc: { logsEnd: false } } },
    ],
    [['--receive.artificial-max-delay=2s'], { artificialDelayMsMax: 2000 }],
    [['--receive.local-endpoint='], {}],
  ])('by %j is %j', (flags, config) =>
    expect(parseRouterFlags([label, ...flags], { LIMITS: '{}' })).toMatchObject({
      kind: 'config',
      config,
      warnings: [],
    }),
  );

  test.each([
    [['--receive.local-endpoint=a:1', '--receive.hashrings=[]'], 'run an ingester'],
    [['--receive.replication-protocol=capnproto'], 'use protobuf'],
    [['--receive.limits-config-reload-timer=0s'], 'must be above 0'],
    [
      ['--receive.relabel-config=x', `--receive.relabel-config-file=${someFile}`],
      'get relabel configuration: both receive.relabel-config-file and receive.relabel-config flags set.',
    ],
    [['--log.format=journald'], 'from standard error'],
  ])('by %j is refused: %s', (flags, text) =>
    expect(parseRouterFlags([label, ...flags])).toMatchObject({ code: 1, stderr: expect.stringContaining(text) }),
  );

  test.each(['{', '{"loadBalancingConfig": [{"round_robin": {}}]}'])(
    'is not changed by a service config %s, of which a warning tells',
    (text) =>
      expect(parseRouterFlags([label, `--receive.grpc-service-config=${text}`])).toMatchObject({
        kind: 'config',
        warnings: [expect.stringContaining('--receive.grpc-service-config')],
      }),
  );
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
  '--matcher-cache-size=1',
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
