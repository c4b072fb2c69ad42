import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, silentLog } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import { loadAndWatch } from './reloaded.js';
import { mountSecret } from './testing/index.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'reloaded-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function recorder(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { log: { ...silentLog, info: write('info'), error: write('error') }, lines };
}

/** Text that is good while both files say the same. */
function openPair(log: Log = silentLog, pollMs = 0) {
  return loadAndWatch(
    async (read) => {
      const [a, b] = [String(await read(join(directory, 'a'))), String(await read(join(directory, 'b')))];
      if (a !== b) throw new Error(`a is ${a} and b is ${b}`);
      return a;
    },
    { log, use: 'test', pollMs },
  );
}

test('a secret that Kubernetes swaps is taken as a whole', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const files = await openPair();
  const seen: string[] = [];
  files.onChange((value) => seen.push(value));
  mountSecret(directory, { a: '2', b: '2' });
  await files.refresh();
  expect([files.current, seen, files.tally.reloads]).toEqual(['2', ['2'], 1]);
});

test('files are looked at by themselves', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const files = await openPair(silentLog, 5);
  mountSecret(directory, { a: '2', b: '2' });
  await until(() => files.current === '2');
  files.close();
});

test('files that are half written leave what was before, and it is said once', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const { log, lines } = recorder();
  const files = await openPair(log);
  mountSecret(directory, { a: '2', b: '' });
  await files.refresh();
  await files.refresh();
  expect([files.current, files.tally]).toMatchObject(['1', { failures: 1, reloads: 0, failing: true }]);
  expect(lines).toEqual([
    'error Cannot reload files: those of before stay in use {"use":"test","error":"a is 2 and b is "}',
  ]);
  mountSecret(directory, { a: '2', b: '2' });
  await files.refresh();
  expect([files.current, files.tally]).toMatchObject(['2', { failures: 1, reloads: 1, failing: false }]);
});

test('files that are gone and come back as they were change nothing', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const { log, lines } = recorder();
  const files = await openPair(log);
  rmSync(join(directory, 'a'));
  await files.refresh();
  expect(lines).toEqual([expect.stringContaining(`open ${join(directory, 'a')}: no such file or directory`)]);
  writeFileSync(join(directory, 'a'), '1');
  await files.refresh();
  expect(files.tally).toMatchObject({ reloads: 0, failures: 1, failing: false });
  expect(lines[1]).toBe('info files are good again {"use":"test"}');
});

test('files that are touched and say the same are not told of', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const files = await openPair();
  mountSecret(directory, { a: '1', b: '1' });
  await files.refresh();
  expect(files.tally).toMatchObject({ reloads: 0, failures: 0 });
});

test('a swap between the reads of two files is read again', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  let swap = (): void => {};
  const files = await loadAndWatch(
    async (read) => {
      const a = String(await read(join(directory, 'a')));
      swap();
      return [a, String(await read(join(directory, 'b')))];
    },
    { log: silentLog, use: 'test', pollMs: 0 },
  );
  swap = () => {
    swap = () => {};
    mountSecret(directory, { a: '3', b: '3' });
  };
  mountSecret(directory, { a: '2', b: '2' });
  await files.refresh();
  expect(files.current).toEqual(['3', '3']);
});

test('what is not good at the start is refused', async () => {
  await expect(openPair()).rejects.toMatchObject({
    code: 'TLS_CONFIG_INVALID',
    message: `open ${join(directory, 'a')}: no such file or directory`,
  });
});

test('a question while a look is under way is answered by a later look', async () => {
  mountSecret(directory, { a: '1', b: '1' });
  const files = await openPair();
  const first = files.refresh();
  mountSecret(directory, { a: '2', b: '2' });
  await Promise.all([first, files.refresh(), files.refresh()]);
  expect(files.current).toBe('2');
});
