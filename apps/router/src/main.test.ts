import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

// The app as its users start it: one file, bundled anew so that no earlier build is tested.
const dir = mkdtempSync(join(tmpdir(), 'router-app-'));
const main = join(dir, 'main.js');
beforeAll(() => {
  buildSync({
    entryPoints: [join(__dirname, 'main.ts')],
    outfile: main,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'bundle',
    loader: { '.node': 'copy' },
    logLevel: 'error',
  });
});
afterAll(() => rmSync(dir, { recursive: true }));

const run = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 20_000 });

test('--help lists the flags with their defaults', () => {
  const { status, stdout } = run('--help');
  expect(status).toBe(0);
  expect(stdout).toContain('--grpc-address=0.0.0.0:10901');
  expect(stdout).toContain('--http-address=0.0.0.0:10902');
});

test.each([
  [['--no-such-flag=1'], 1, "router: error: unknown long flag '--no-such-flag'"],
  [['--http-grace-period=abc'], 2, 'not a valid duration string: "abc"'],
  [[], 1, 'no external labels configured'],
])('a wrong start %j ends with %d and one line', (args, code, text) => {
  const { status, stderr } = run(...args);
  expect(status).toBe(code);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(text);
});
