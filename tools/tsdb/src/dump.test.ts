import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, cpSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { peerOrSkip } from '@gauntlet/base/testing';
import { CounterReset, type Histogram } from '@gauntlet/chunk';
import { nodeVfs } from '@gauntlet/vfs';
import { encodeHistograms, encodeSamples, encodeSeries, openWal } from '@gauntlet/wal';
import { tsdbCommand } from './index.js';
import { goFloat, labelsText } from './go-text.js';
import { fromBits } from './histogram-text.js';
import { recordings } from './testing/example-block.js';

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const lines: string[] = [];
  const errors: string[] = [];
  const terminal = { line: (text: string) => void lines.push(text), bar: undefined };
  const code = await tsdbCommand(args, new AbortController().signal, terminal, (text) => errors.push(text));
  return { code, out: lines.map((line) => `${line}\n`).join(''), err: errors.join('\n') };
}

/** As one text: lists of this length are slow to compare. */
const sorted = (text: string): string => text.split('\n').sort().join('\n');
const dirs = readdirSync(join(recordings.tool, 'dirs')).map(
  (name) => [name, join(recordings.tool, 'dirs', name)] as const,
);

/** Times of series, and values of float samples, as a recording tells them; a histogram is `{`. */
function recorded(path: string): string[] {
  const lines = gunzipSync(readFileSync(path)).toString().trimEnd().split('\n');
  return lines.flatMap((line) => {
    const { labels, samples } = JSON.parse(line) as { labels: [string, string][]; samples: [string, unknown][] };
    const text = labelsText(labels.map(([name, value]) => ({ name, value })));
    return samples.map(
      ([time, value]) => `${text} ${typeof value === 'string' ? goFloat(fromBits(BigInt(`0x${value}`))) : '{'} ${time}`,
    );
  });
}

const withoutHistograms = (out: string): string[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ \{count:.*\} (-?\d+)$/, ' { $1'));

test.each(dirs)('the dump of %s has the recorded samples', async (_name, dir) => {
  const { code, out } = await run('dump', join(dir, 'data'));
  expect(code).toBe(0);
  expect(sorted(withoutHistograms(out).join('\n'))).toBe(sorted(recorded(join(dir, 'dump.jsonl.gz')).join('\n')));
});

const blocks = ['floats', 'histograms', 'tombstones', 'old-layout-2.42', 'index-version-1'].map((name) =>
  join(recordings.block, 'blocks', name),
);

test.each([...blocks, join(recordings.tool, 'blocks/xor2')])(
  'the dump of block %s has the recorded samples',
  async (dir) => {
    const id = readdirSync(dir).find((name) => name.startsWith('01'))!;
    const { out } = await run('dump', join(dir, id));
    expect(withoutHistograms(out).join('\n')).toBe(recorded(join(dir, 'samples.jsonl.gz')).join('\n'));
  },
);

test.each([
  [['--match={job="a"}'], 980],
  [['--match={job="a"}', '--match={job="api"}'], 1942],
  [['--match={job=~"a|api"}'], 1942],
  [['--min-time=1700000015001', '--max-time=1700000015001', '--match=metric_0'], 2],
])('matchers and times choose samples: %j', async (flags, expected) => {
  const { code, out } = await run('dump', join(recordings.tool, 'dirs/wbl/data'), ...flags);
  expect(code).toBe(0);
  expect(out.trimEnd().split('\n')).toHaveLength(expected);
});

test('a selector that cannot be read is told', async () => {
  const { code, err } = await run('dump', join(recordings.tool, 'dirs/wbl/data'), '--match={job="a');
  expect(code).toBe(2);
  expect(err).toMatch(/^Cannot use --match=\{job="a:/);
});

const promtool = peerOrSkip('promtool');
const withPromtool = promtool === undefined ? test.skip : test;
const promtoolOut = (...args: string[]): string =>
  execFileSync(promtool!, ['tsdb', ...args], { maxBuffer: 1 << 28 }).toString();

/** Promtool makes directories in what it reads. */
async function onCopy<T>(dir: string, use: (copy: string) => T | Promise<T>): Promise<T> {
  const copy = mkdtempSync(join(tmpdir(), 'gauntlet-dump-'));
  try {
    cpSync(dir, copy, { recursive: true });
    mkdirSync(join(copy, 'wal'), { recursive: true });
    return await use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

withPromtool.each(dirs.filter(([name]) => name !== 'headonly'))('the dump of %s is that of promtool', (name, dir) =>
  onCopy(join(dir, 'data'), async (copy) => {
    const { out } = await run('dump', copy);
    // Promtool sorts series only when there are blocks.
    expect(sorted(out)).toBe(sorted(promtoolOut('dump', copy)));
    if (name === 'blockswal') expect(out).toBe(promtoolOut('dump', copy));
  }),
);

withPromtool.each([blocks[1]!, blocks[2]!, join(recordings.tool, 'blocks/xor2')])(
  'the dump and the list of block %s are those of promtool',
  (dir) =>
    onCopy(dir, async (copy) => {
      expect((await run('dump', copy)).out).toBe(promtoolOut('dump', copy));
      expect((await run('list', copy)).out).toBe(promtoolOut('list', copy));
      expect((await run('list', '-r', copy)).out).toBe(promtoolOut('list', '-r', copy));
    }),
);

withPromtool('the list of several blocks is that of promtool', () =>
  onCopy(join(recordings.tool, 'dirs/blockswal/data'), async (copy) => {
    expect((await run('list', copy)).out).toBe(promtoolOut('list', copy));
    expect((await run('list', '--human-readable', copy)).out).toBe(promtoolOut('list', '-r', copy));
  }),
);

withPromtool('floats dumped as OpenMetrics are those of promtool', () =>
  onCopy(join(recordings.block, 'blocks/floats'), async (copy) => {
    expect((await run('dump', '--openmetrics', copy)).out).toBe(promtoolOut('dump-openmetrics', copy));
  }),
);

withPromtool('numbers, names and buckets of every kind are printed as promtool prints them', () =>
  onCopy(join(recordings.tool, 'dirs/writer'), async (dir) => {
    rmSync(join(dir, 'wal'), { recursive: true });
    rmSync(join(dir, 'data'), { recursive: true });
    await writeOddValues(dir);
    expect(sorted((await run('dump', dir)).out)).toBe(sorted(promtoolOut('dump', dir)));
  }),
);

const odd = [
  0,
  -0,
  1,
  -1.5,
  1e5,
  123456,
  1234567,
  1e6,
  1e20,
  1e21,
  123456789012345680000,
  1e22,
  1e-4,
  0.00012345,
  1e-5,
  5e-324,
  1.7976931348623157e308,
  NaN,
  Infinity,
  -Infinity,
];

async function writeOddValues(dir: string): Promise<void> {
  const schemas = [-4, -1, 0, 1, 3, 5, 8];
  const wal = await openWal(nodeVfs, join(dir, 'wal'), {});
  const bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
  const texts = ['a"b\\c', 'tab\tline\n', '\u0001\u007f\u0085\u00a0', '\u200b\u{e0001}', 'ünïcode 😀', '\ufeff'];
  wal.append([
    encodeSeries([
      { ref: 1, labels: [{ name: '__name__', value: 'odd' }] },
      ...texts.map((value, at) => ({ ref: 10 + at, labels: [{ name: at % 2 === 0 ? 'text' : 'my.text "x"', value }] })),
      ...schemas.map((schema, at) => ({ ref: 100 + at, labels: [{ name: 'schema', value: String(schema) }] })),
      { ref: 200, labels: [{ name: 'custom', value: 'bounds' }] },
    ]),
    encodeSamples(odd.map((value, at) => ({ ref: 1, timestampMs: BigInt(at + 1), valueBits: bits(value) }))),
    encodeSamples(texts.map((_, at) => ({ ref: 10 + at, timestampMs: 50n, valueBits: bits(at) }))),
    ...encodeHistograms(
      schemas.flatMap((schema, at) =>
        histogramsOf(schema).map((histogram, step) => ({ ref: 100 + at, timestampMs: BigInt(step), histogram })),
      ),
    ),
    ...encodeHistograms([
      {
        ref: 200,
        timestampMs: 1n,
        histogram: { ...histogramsOf(-53)[0]!, schema: -53, customBounds: Float64Array.of(-1, 0.5, 10) },
      },
    ]),
  ]);
  await wal.commit();
  await wal.close();
}

/** A large count, buckets on both sides of many indexes, and the same as floats; or buckets with custom bounds. */
function histogramsOf(schema: number): Histogram[] {
  const scale = 2 ** Math.max(0, schema);
  const isCustom = schema === -53;
  const indexes = isCustom
    ? [{ offset: 0, length: 4 }]
    : [
        { offset: -3 * scale, length: 1 },
        { offset: scale, length: 3 },
        { offset: 7, length: 2 },
      ];
  const counts = isCustom ? [1, 2, 3, 4] : [1, 2_000_000, 3, 0, 4, 12_345_678];
  const negative = isCustom ? [] : counts;
  const total = [...counts, ...negative].reduce((sum, count) => sum + count, isCustom ? 0 : 7);
  const common = {
    hint: CounterReset.gauge,
    schema,
    zeroThreshold: isCustom ? 0 : 2 ** -128,
    positiveSpans: indexes,
    negativeSpans: isCustom ? [] : indexes,
    customBounds: new Float64Array(),
    sumBits: new BigUint64Array(Float64Array.of(1e7).buffer)[0]!,
  };
  const deltas = (list: readonly number[]): BigInt64Array =>
    BigInt64Array.from(list, (count, at) => BigInt(count - (list[at - 1] ?? 0)));
  return [
    {
      ...common,
      kind: 'integer',
      count: BigInt(total),
      zeroCount: isCustom ? 0n : 7n,
      positive: deltas(counts),
      negative: deltas(negative),
    },
    {
      ...common,
      kind: 'float',
      count: total + 0.5,
      zeroCount: isCustom ? 0 : 0.25,
      positive: Float64Array.from(counts),
      negative: Float64Array.from(negative),
    },
  ];
}
