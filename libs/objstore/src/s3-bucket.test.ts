import { createHash, randomBytes } from 'node:crypto';
import { MiB } from '@gauntlet/base';
import { peerOrSkip } from '@gauntlet/base/testing';
import { type Bucket, bytesSource, openBucket, parseBucketConfig } from './index.js';
import { bucketContract, FaultProxy, gather, gatherBytes, type MinioServer, startMinio } from './testing/index.js';

const program = peerOrSkip('minio');
const signal = new AbortController().signal;
const noWait = { clock: { sleep: async () => undefined } };

(program === undefined ? describe.skip : describe)('against a real MinIO', () => {
  let minio: MinioServer;
  let proxy: FaultProxy;
  let count = 0;
  beforeAll(async () => {
    minio = await startMinio(program ?? '');
    proxy = await FaultProxy.start(minio.port);
  }, 30_000);
  afterAll(async () => {
    await proxy?.stop();
    await minio?.stop();
  });
  beforeEach(() => {
    proxy.plan = () => undefined;
    proxy.requests.length = 0;
  });
  const bucketName = (): string => `bucket-${++count}`;
  const direct = async (more?: string, top?: string): Promise<Bucket> =>
    openBucket(
      parseBucketConfig(
        await minio.document(bucketName(), {
          ...(more === undefined ? {} : { more }),
          ...(top === undefined ? {} : { top }),
        }),
      ),
    );
  const proxied = async (more = ''): Promise<Bucket> =>
    openBucket(parseBucketConfig(await minio.document(bucketName(), { port: proxy.port, more })), noWait);
  const smallParts = `part_size: ${5 * MiB}`;
  const big = randomBytes(17 * MiB + 12_345);
  const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const incomplete = async (bucket: Bucket): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const upload of minio.client.listIncompleteUploads(bucket.name, '', true)) found.push(upload);
    return found;
  };

  bucketContract('a bucket on S3', () => direct());
  bucketContract('a bucket on S3 below a prefix, listed by version 1', () =>
    direct('list_objects_version: v1\nbucket_lookup_type: path', 'prefix: a/b'),
  );

  test('a large object goes in parts numbered from 1 and reads back whole', async () => {
    const bucket = await proxied(smallParts);
    await bucket.upload('big', bytesSource(big), signal);
    const numbers = proxy.requests
      .map(({ path }) => /partNumber=(\d+)/.exec(path)?.[1])
      .filter((number) => number !== undefined);
    expect(numbers.map(Number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(sha(await gatherBytes(await bucket.get('big', signal)))).toBe(sha(big));
    await bucket.close();
  });

  test('an object of exactly one part, or any without multipart, goes in one request', async () => {
    const bucket = await proxied(`${smallParts}\ndisable_multipart: true`);
    await bucket.upload('big', bytesSource(big), signal);
    expect(proxy.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
    await bucket.close();
  });

  test.each(['refuse', 'reset', 'cut-body', 'lose-answer'] as const)(
    'with every request failing once (%s), everything still succeeds',
    async (fault) => {
      const bucket = await proxied(smallParts);
      const seen = new Set<string>();
      proxy.plan = ({ method, path }) => {
        const key = `${method} ${path.replace(/uploadId=.*/, '')}`; // A repeated upload has another id.
        if (seen.has(key)) return undefined;
        seen.add(key);
        return fault;
      };
      await bucket.upload('dir/big', bytesSource(big), signal);
      await bucket.upload('dir/small', bytesSource(Buffer.from('small')), signal);
      expect(await gather(bucket.list('', { recursive: true }, signal))).toEqual(['dir/big', 'dir/small']);
      expect(await bucket.attributes('dir/big', signal)).toMatchObject({ size: big.length });
      expect(sha(await gatherBytes(await bucket.get('dir/big', signal)))).toBe(sha(big));
      await bucket.delete('dir/small', signal);
      expect(await bucket.exists('dir/small', signal)).toBe(false);
      await bucket.close();
    },
  );

  test.each(['refuse', 'reset', 'cut-body'] as const)(
    'a store that stays broken (%s) is unavailable after ten attempts, and nothing is left',
    async (fault) => {
      const bucket = await proxied(smallParts);
      proxy.plan = ({ path }) => (path.includes('partNumber=2') ? fault : undefined);
      await expect(bucket.upload('big', bytesSource(big), signal)).rejects.toMatchObject({
        code: 'BUCKET_UNAVAILABLE',
        kind: 'unavailable',
      });
      expect(proxy.requests.filter(({ path }) => path.includes('partNumber=2'))).toHaveLength(10);
      expect(await bucket.exists('big', signal)).toBe(false);
      expect(await incomplete(bucket)).toEqual([]);
      await bucket.close();
    },
  );

  test('a cancelled upload ends at once and its parts are removed', async () => {
    const bucket = await proxied(smallParts);
    const controller = new AbortController();
    proxy.plan = ({ path }) => {
      if (!path.includes('partNumber=3')) return undefined;
      controller.abort(new Error('going away'));
      return 'hang';
    };
    await expect(bucket.upload('big', bytesSource(big), controller.signal)).rejects.toMatchObject({
      kind: 'cancelled',
    });
    expect(await incomplete(bucket)).toEqual([]);
    await bucket.close();
  });

  test('an answer that does not come within response_header_timeout counts as a failed attempt', async () => {
    const bucket = await proxied('http_config:\n  response_header_timeout: 100ms\nmax_retries: 2');
    proxy.plan = () => 'hang';
    await expect(bucket.exists('a', signal)).rejects.toMatchObject({
      code: 'BUCKET_UNAVAILABLE',
      message: expect.stringContaining('100 ms') as unknown,
    });
    proxy.plan = ({ index }) => (index < 3 ? 'hang' : undefined);
    expect(await bucket.exists('a', signal)).toBe(false);
    await bucket.close();
  });

  test('a slow store is only slow', async () => {
    const bucket = await proxied();
    proxy.plan = () => 150;
    await bucket.upload('a', bytesSource(Buffer.from('x')), signal);
    expect((await gatherBytes(await bucket.get('a', signal))).toString()).toBe('x');
    await bucket.close();
  });

  test('wrong keys are an access error, at once, and no message shows them', async () => {
    const config = parseBucketConfig(
      (await minio.document(bucketName(), { port: proxy.port })).replace('test-secret-key', 'not-the-secret'),
    );
    const bucket = await openBucket(config, noWait);
    const error = (await bucket
      .upload('a', bytesSource(new Uint8Array(1)), signal)
      .catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'BUCKET_ACCESS_DENIED' });
    expect(error.message).not.toContain('not-the-secret');
    expect(proxy.requests).toHaveLength(1);
    await bucket.close();
  });

  test('metadata and storage class travel with every upload, in parts or not', async () => {
    const bucket = await direct(
      `${smallParts}\nput_user_metadata:\n  Owner: me\n  x-amz-storage-class: REDUCED_REDUNDANCY`,
    );
    for (const [name, bytes] of [
      ['small', Buffer.from('x')],
      ['big', big],
    ] as const) {
      await bucket.upload(name, bytesSource(bytes), signal);
      expect((await minio.client.statObject(bucket.name, name)).metaData).toMatchObject({ owner: 'me' });
    }
    await bucket.close();
  });
});
