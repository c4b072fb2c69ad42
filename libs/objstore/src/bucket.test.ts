import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesSource, observeBucket, openBucket, prefixBucket } from './index.js';
import { bucketContract, gather, gatherBytes, MemoryBucket } from './testing/index.js';

const signal = new AbortController().signal;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'objstore-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

bucketContract('a bucket in memory', async () => new MemoryBucket());
bucketContract('a bucket in a directory', async () =>
  openBucket({ type: 'FILESYSTEM', prefix: '', directory: join(directory, 'made', 'on demand') }),
);
bucketContract('a bucket below a prefix', async () => {
  const bucket = new MemoryBucket();
  bucket.objects.set('elsewhere', { bytes: new Uint8Array(1), modifiedMs: 0 });
  return prefixBucket(bucket, '/some/folder/');
});
bucketContract('an observed bucket', async () =>
  observeBucket(new MemoryBucket(), { started: () => undefined, ended: () => undefined }),
);

test('a prefix of slashes and blanks is none, and the name stays that of the bucket', () => {
  const bucket = new MemoryBucket({ name: 'b' });
  expect(prefixBucket(bucket, ' // ')).toBe(bucket);
  expect(prefixBucket(bucket, 'x').name).toBe('b');
});

test('uploads under way are never listed, and those of a process that died are removed', async () => {
  const bucket = await openBucket({ type: 'FILESYSTEM', prefix: '', directory });
  writeFileSync(join(directory, '.tmp-old'), 'left over');
  writeFileSync(join(directory, '.tmp-fresh'), 'of another process');
  utimesSync(join(directory, '.tmp-old'), 1, 1);
  await bucket.upload('a', bytesSource(Buffer.from('x')), signal);
  expect(await gather(bucket.list('', { recursive: true }, signal))).toEqual(['a']);
  expect(readdirSync(directory).sort()).toEqual(['.tmp-fresh', 'a']);
  await expect(bucket.exists('.tmp-fresh', signal)).rejects.toMatchObject({ code: 'OBJECT_NAME_INVALID' });
});

test('while an upload is slow, a reader sees the old object whole', async () => {
  const bucket = await openBucket({ type: 'FILESYSTEM', prefix: '', directory });
  await bucket.upload('a', bytesSource(Buffer.from('old')), signal);
  const seen: string[] = [];
  await bucket.upload(
    'a',
    {
      size: 6,
      async *open() {
        yield Buffer.from('new');
        seen.push((await gatherBytes(await bucket.get('a', signal))).toString());
        yield Buffer.from('new');
      },
    },
    signal,
  );
  seen.push((await gatherBytes(await bucket.get('a', signal))).toString());
  expect(seen).toEqual(['old', 'newnew']);
});

test('empty directories are skipped, and a directory goes with its last object', async () => {
  const bucket = await openBucket({ type: 'FILESYSTEM', prefix: '', directory });
  await bucket.upload('x/y/z', bytesSource(new Uint8Array(1)), signal);
  await bucket.delete('x/y/z', signal);
  expect(existsSync(join(directory, 'x'))).toBe(false);
});

test('an observer learns operation, outcome, time and bytes', async () => {
  const seen: unknown[] = [];
  let nowMs = 0;
  const bucket = observeBucket(
    new MemoryBucket(),
    { started: (operation) => seen.push(operation), ended: (...end) => seen.push(end) },
    { monotonicMs: () => (nowMs += 500) },
  );
  await bucket.upload('a', bytesSource(new Uint8Array(7)), signal);
  await gatherBytes(await bucket.getRange('a', 2, 3, signal));
  await bucket.get('none', signal).catch(() => undefined);
  await bucket.exists('a', AbortSignal.abort()).catch(() => undefined);
  await gather(bucket.list('', {}, signal));
  expect(seen).toEqual([
    'upload',
    ['upload', 'ok', 0.5, 7],
    'get_range',
    ['get_range', 'ok', 0.5, 3],
    'get',
    ['get', 'not-found', 0.5, 0],
    'exists',
    ['exists', 'cancelled', 0.5, 0],
    'iter',
    ['iter', 'ok', 0.5, 0],
  ]);
});
