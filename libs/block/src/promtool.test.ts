import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { peerOrSkip } from '@gauntlet/base/testing';
import { createUlid } from '@gauntlet/model';
import { encodeBlockMeta } from './meta.js';
import { cursorOf, encodeLabels, exampleSeries, exampleTimeMs, memoryBlock, type Pairs } from './testing/fixtures.js';
import { blockSeries, randomSeries, type RandomSeries } from './testing/random-block.js';
import { encodeTombstones, type Tombstones } from './tombstones.js';
import { type BlockSeries, type BlockStats, writeBlock, type WriteBlockOptions } from './write-block.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const promtool = peerOrSkip('promtool') ?? '';
const withPromtool = promtool === '' ? test.skip : test;

/** A database directory, gone after its test. */
let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'gauntlet-block-'));
  mkdirSync(join(data, 'wal')); // `dump` looks for one.
});
afterEach(() => rmSync(data, { recursive: true }));

/** Runs promtool to its end; what it says on stderr is an error too. */
async function run(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(promtool, ['tsdb', ...args], { maxBuffer: 2 ** 30 });
  if (stderr !== '') throw new Error(`promtool ${args[0]} complains: ${stderr}`);
  return stdout;
}

const rangeMs = 7_200_000;
/** Blocks begin at multiples of their range. */
const firstMs = Math.floor(exampleTimeMs / rangeMs) * rangeMs;
let made = 0;

interface Placed extends WriteBlockOptions {
  readonly minTime: number;
  readonly tombstones?: Tombstones;
}

/** Writes a block of two hours into the database directory. */
async function place(
  series: readonly BlockSeries[],
  { minTime, tombstones = new Map(), ...options }: Placed,
): Promise<{ ulid: string; stats: BlockStats }> {
  const block = memoryBlock();
  const stats = await writeBlock(cursorOf(series), block, options);
  const ulid = createUlid(minTime, Buffer.alloc(10, (made += 1)));
  const meta = encodeBlockMeta({
    ulid,
    minTime,
    maxTime: minTime + rangeMs,
    stats,
    compaction: { level: 1, sources: [ulid] },
    version: 1,
  });
  const files = { ...block.files(), tombstones: encodeTombstones(tombstones), 'meta.json': meta };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(data, ulid, name)), { recursive: true });
    writeFileSync(join(data, ulid, name), bytes);
  }
  return { ulid, stats };
}

/** One sample as `dump` prints it behind the labels: a number, or a histogram with count and sum. */
const sampleLine = / (\S+|\{count:(\S+), sum:([^,}]+).*\}) (-?\d+)$/;

function dumped(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, value, count, sum, time] = sampleLine.exec(line) ?? [];
      return count === undefined ? `${time} ${numberOf(value)}` : `${time} ${numberOf(count)} ${numberOf(sum)}`;
    });
}

function numberOf(text = '?'): string {
  return text.endsWith('Inf') ? text.replace('Inf', 'Infinity').replace('+', '') : String(Number(text));
}

function expectedLines(all: readonly RandomSeries[]): string[] {
  const number = (bits: bigint): string => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, bits);
    return String(view.getFloat64(0));
  };
  return all.flatMap(({ samples }) =>
    samples.map((sample) =>
      'bits' in sample
        ? `${sample.timestampMs} ${number(sample.bits)}`
        : `${sample.timestampMs} ${sample.histogram.count} ${number(sample.histogram.sumBits)}`,
    ),
  );
}

withPromtool('promtool analyzes and dumps the worked example, with the empty symbol and without', async () => {
  await place(exampleSeries, { minTime: firstMs, symbols: [] });
  const { ulid } = await place(exampleSeries, { minTime: firstMs });
  expect(await run('analyze', '--extended', data, ulid)).toContain('Total Series: 2');
  // Two blocks with the same samples: each sample once.
  expect((await run('dump', data)).trimEnd().split('\n')).toEqual(
    [
      '"a"} 1 1700000000000',
      '"a"} 2 1700000015000',
      '"a"} 3 1700000030001',
      '"a"} 4 1700000045000',
      '"b"} 1 1700000000000',
    ].map((end) => `{__name__="up", job=${end}`),
  );
});

withPromtool(
  'promtool lists, analyzes and dumps blocks of random floats and histograms under random labels',
  async () => {
    const blockCount = isLong ? 300 : 8;
    const seed = Number(process.env['GAUNTLET_SEED'] ?? 1);
    const blocks = Array.from({ length: blockCount }, (_, at) => {
      const minTime = firstMs + at * rangeMs;
      // Blocks of none are not written.
      const [all] = fc
        .sample(randomSeries(minTime, 100_000, 25), { seed: seed * 1000 + at, numRuns: 50 })
        .filter((some) => some.length > 0);
      return { minTime, all: all! };
    });
    const expected: string[] = [];
    const rows: string[] = [];
    for (const { minTime, all } of blocks) {
      const { ulid, stats } = await place(blockSeries(all, 7), { minTime, segmentBytesMax: 4000 });
      expected.push(...expectedLines(all));
      rows.push(
        [ulid, minTime, minTime + rangeMs, '2h0m0s', stats.numSamples, stats.numChunks, stats.numSeries].join(' '),
      );
    }
    const listed = (await run('list', data)).trimEnd().split('\n').slice(1);
    expect(listed.map((row) => row.split(/\s+/).slice(0, 7).join(' '))).toEqual(rows);
    expect(dumped(await run('dump', data)).sort()).toEqual(expected.sort());
    for (const row of isLong ? rows : rows.slice(0, 2))
      expect(await run('analyze', '--extended', data, row.slice(0, 26))).toContain(
        `Total Series: ${row.split(' ').at(-1)}\n`,
      );
  },
  isLong ? 600_000 : 20_000,
);

withPromtool('promtool finds labels beyond the basic plane, and leaves out what tombstones delete', async () => {
  const pairs: Pairs[] = [
    [
      ['__name__', 'a_metric'],
      ['key', '\uffff'],
    ],
    [
      ['__name__', 'a_metric'],
      ['key', '\u{1f600}'],
    ],
    [
      ['__name__', 'a_metric'],
      ['key', '\u{1f600}\u{1f600}'],
      ['schlüssel', 'x'],
    ],
    [
      ['__name__', 'a_metric'],
      ['\u{1f600}', 'y'],
    ],
  ];
  const { chunks } = exampleSeries[0]!;
  // UTF-16 would put the emoji before U+FFFF.
  await place(
    pairs.map((labels) => ({ labels: encodeLabels(labels), chunks })),
    {
      minTime: firstMs,
      tombstones: new Map([[await firstRef(), [{ minTimeMs: 0, maxTimeMs: exampleTimeMs + 20_000 }]]]),
    },
  );
  const linesOf = async (match: string): Promise<number> =>
    (await run('dump', `--match=${match}`, data)).split('\n').filter(Boolean).length;
  expect(await linesOf('{key="\u{1f600}"}')).toBe(4);
  expect(await linesOf('{key="\uffff"}')).toBe(2);
  expect(await linesOf('{"schlüssel"="x"}')).toBe(4);
  expect(await linesOf('{"\u{1f600}"=~".+"}')).toBe(4);
  expect(await linesOf('a_metric')).toBe(14);

  /** The reference of the first series does not depend on tombstones. */
  async function firstRef(): Promise<number> {
    const block = memoryBlock();
    await writeBlock(cursorOf(pairs.map((labels) => ({ labels: encodeLabels(labels), chunks }))), block);
    const { MemorySource, openIndex } = await import('./index.js');
    return (await (await openIndex(new MemorySource('index', block.files()['index']!))).postings('', ''))[0]!;
  }
});

withPromtool(
  'promtool reads more series than 16 bits count, with label sets of many labels',
  async () => {
    const count = isLong ? 1_000_000 : 70_000;
    const { chunks } = exampleSeries[1]!;
    function* all(): Generator<BlockSeries> {
      const many: Pairs = Array.from({ length: 3000 }, (_, at) => [`a_label_${String(at).padStart(4, '0')}`, `${at}`]);
      yield { labels: encodeLabels([['__name__', 'many'], ...many]), chunks };
      for (let at = 0; at < count; at += 1) {
        const id = String(at).padStart(7, '0');
        yield {
          labels: encodeLabels([
            ['__name__', 'm'.repeat(5)],
            ['id', id],
            ['job', `${at % 7}`],
          ]),
          chunks,
        };
      }
    }
    const { ulid } = await place([...all()], { minTime: firstMs });
    expect(await run('analyze', data, ulid)).toContain(`Total Series: ${count + 1}\n`);
    expect((await run('dump', '--match={id="0065537"}', data)).trimEnd()).toBe(
      '{__name__="mmmmm", id="0065537", job="3"} 1 1700000000000',
    );
    expect(await run('dump', '--match={a_label_2999="2999"}', data)).toContain('a_label_0001="1"');
  },
  isLong ? 600_000 : 20_000,
);
