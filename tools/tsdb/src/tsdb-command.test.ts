import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsdbCommand } from './index.js';
import { bytesText, durationText } from './list-command.js';
import { ExampleBlock, exampleId, recordings } from './testing/example-block.js';
import { nodeVfs } from '@gauntlet/vfs';

async function run(...args: string[]): Promise<{ code: number; lines: string[]; err: string }> {
  const lines: string[] = [];
  const errors: string[] = [];
  const terminal = { line: (text: string) => void lines.push(text), bar: undefined };
  const code = await tsdbCommand(args, new AbortController().signal, terminal, (text) => errors.push(text));
  return { code, lines, err: errors.join('\n') };
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'gauntlet-tsdb-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a right directory ends with 0 and one line', async () => {
  expect(await run('verify', join(recordings.tool, 'dirs/blockswal/data'))).toEqual({
    code: 0,
    lines: [
      'Verified 6 blocks (150 series, 505 chunks, 16,242 samples), 0 head chunks, 1,285 log records: nothing is wrong',
    ],
    err: '',
  });
});

test('an error ends with 1 and says what, where and which rule', async () => {
  const block = new ExampleBlock();
  block.chunks[50] = 1;
  await block.write(nodeVfs, join(folder, exampleId));
  expect(await run('verify', folder)).toMatchObject({
    code: 1,
    lines: [
      `E    14   ${exampleId}/chunks/000001 at byte 39: checksum does not match`,
      'Verified 1 block (2 series, 3 chunks, 4 samples), 0 head chunks, 0 log records: 1 error and 0 warnings',
    ],
  });
});

test('a warning ends with 1, or with 0 when warnings are tolerated; remarks never do', async () => {
  const block = new ExampleBlock();
  block.meta.stats['numSeries'] = 7;
  await block.write(nodeVfs, join(folder, exampleId));
  expect((await run('verify', folder)).code).toBe(1);
  expect((await run('verify', folder, '--warnings-ok')).code).toBe(0);
  const remarks = await run('verify', join(recordings.tool, 'blocks/overlap-parent-1'), '--infos');
  expect(remarks.code).toBe(0);
  expect(remarks.lines[0]).toMatch(
    /^info 25 {3}01M7YK4D7392NS2GDEMRZH0RQV\/meta.json: the block ends at 1700012340001/,
  );
});

test('--json prints a finding a line and the summary last', async () => {
  const block = new ExampleBlock();
  block.meta.stats['numSeries'] = 7;
  await block.write(nodeVfs, join(folder, exampleId));
  const { lines } = await run('verify', '--json', folder);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      severity: 'W',
      invariant: 3,
      file: `${exampleId}/meta.json`,
      found: 'numSeries is 7, and the block has 2',
    },
    { summary: expect.objectContaining({ blocks: 1, warnings: 1, errors: 0 }) as unknown },
  ]);
});

test('findings beyond the limit are counted', async () => {
  const block = new ExampleBlock();
  Object.assign(block.meta.stats, { numSeries: 7, numChunks: 7, numSamples: 7 });
  await block.write(nodeVfs, join(folder, exampleId));
  const { lines } = await run('verify', folder, '--limit=1');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toBe('and 2 more findings; --limit prints them');
});

test('blocks in a bucket are verified, listed and dumped through its configuration', async () => {
  await new ExampleBlock().write(nodeVfs, join(folder, 'bucket', exampleId));
  const config = join(folder, 'bucket.yaml');
  writeFileSync(config, `type: FILESYSTEM\nconfig:\n  directory: ${join(folder, 'bucket')}\n`);
  const flag = `--objstore.config-file=${config}`;
  expect(await run('verify', flag, '.')).toMatchObject({
    code: 0,
    lines: [expect.stringContaining('Verified 1 block (2 series')],
  });
  expect(await run('verify', flag, exampleId)).toMatchObject({ code: 0 });
  expect((await run('list', flag, '.')).lines[1]).toContain(exampleId);
  expect((await run('dump', flag, exampleId)).lines.join('\n')).toContain('{__name__="up", job="b"} 1 1700000000000');
});

test.each([
  [[], 2],
  [['--help'], 0],
  [['verify'], 2],
  [['verify', 'a', 'b'], 2],
  [['verify', '/nowhere/at/all'], 2],
  [['verify', '--nonsense', '.'], 2],
  [['verify', '--limit=x', '.'], 2],
  [['dump', '--min-time=x', '.'], 2],
  [['repair', '.'], 2],
])('wrong usage ends with 2: %j', async (args, code) => {
  const result = await run(...args);
  expect(result.code).toBe(code);
  expect(result.lines.length + result.err.length).toBeGreaterThan(0);
});

test('an interrupt ends with 130', async () => {
  const terminal = { line: () => undefined, bar: undefined };
  const args = ['verify', join(recordings.tool, 'dirs/blockswal/data')];
  expect(await tsdbCommand(args, AbortSignal.abort(), terminal, () => undefined)).toBe(130);
});

test('sizes and durations are written as promtool writes them', () => {
  expect([0, 1, 1023, 1024, 14_675, 3 * 2 ** 30].map(bytesText)).toEqual([
    '0B',
    '1B',
    '1023B',
    '1KiB',
    '14KiB339B',
    '3GiB',
  ]);
  expect([0, 1, 1500, 60_000, 7_120_000, 7_200_001].map(durationText)).toEqual([
    '0s',
    '1ms',
    '1.5s',
    '1m0s',
    '1h58m40s',
    '2h0m0.001s',
  ]);
});
