import { type Bucket, type ObjectSource } from '../bucket.js';
import { isObjectNotFound } from '../bucket-error.js';
import { bytesSource } from '../object-source.js';

/** The promises of bucket.ts as tests: every implementation passes them. `make` gives an empty bucket. */
export function bucketContract(title: string, make: () => Promise<Bucket>): void {
  const signal = new AbortController().signal;
  describe(title, () => {
    let bucket: Bucket;
    beforeEach(async () => {
      bucket = await make();
    });
    afterEach(() => bucket.close());
    const put = (name: string, text: string): Promise<void> =>
      bucket.upload(name, bytesSource(Buffer.from(text)), signal);
    const list = async (dir: string, recursive = false): Promise<string[]> =>
      await gather(bucket.list(dir, { recursive }, signal));
    const read = async (name: string): Promise<string> =>
      (await gatherBytes(await bucket.get(name, signal))).toString();

    test('an object reads back as it was uploaded, also when it is empty', async () => {
      await put('dir/a', 'some bytes');
      await put('dir/empty', '');
      expect(await read('dir/a')).toBe('some bytes');
      expect(await read('dir/empty')).toBe('');
      expect(await bucket.attributes('dir/a', signal)).toMatchObject({ size: 10 });
    });

    test('an upload replaces the object of that name', async () => {
      await put('a', 'a longer first version');
      await put('a', 'second');
      expect(await read('a')).toBe('second');
    });

    test.each([
      [0, -1, '0123456789'],
      [3, -1, '3456789'],
      [3, 4, '3456'],
      [8, 100, '89'], // Clipped: readers guess ends.
      [10, 5, ''],
      [100, -1, ''],
      [2, 0, ''],
    ])('a range from %d of %d bytes', async (offset, length, expected) => {
      await put('digits', '0123456789');
      expect((await gatherBytes(await bucket.getRange('digits', offset, length, signal))).toString()).toBe(expected);
    });

    test('a missing object is found missing before the first byte', async () => {
      const expectMissing = async (promise: Promise<unknown>): Promise<void> => {
        const error: unknown = await promise.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isObjectNotFound(error)).toBe(true);
      };
      await expectMissing(bucket.get('none', signal));
      await expectMissing(bucket.getRange('none', 1, 2, signal));
      await expectMissing(bucket.getRange('none', 0, 0, signal));
      await expectMissing(bucket.attributes('none', signal));
      expect(await bucket.exists('none', signal)).toBe(false);
      await bucket.delete('none', signal);
    });

    test('a directory is no object', async () => {
      await put('dir/sub/a', 'x');
      expect(await bucket.exists('dir', signal)).toBe(false);
      expect(await bucket.exists('dir/sub', signal)).toBe(false);
      await bucket.delete('dir', signal);
      expect(await bucket.exists('dir/sub/a', signal)).toBe(true);
    });

    test('a listing shows one level or everything, sorted by bytes', async () => {
      for (const name of ['b/2', 'b/1/x', 'b-c', 'a', 'é', 'b/1/y', 'Z']) await put(name, name);
      expect(await list('')).toEqual(['Z', 'a', 'b-c', 'b/', 'é']);
      expect(await list('b')).toEqual(['b/1/', 'b/2']);
      expect(await list('b/')).toEqual(['b/1/', 'b/2']);
      expect(await list('', true)).toEqual(['Z', 'a', 'b-c', 'b/1/x', 'b/1/y', 'b/2', 'é']);
      expect(await list('nowhere')).toEqual([]);
      expect(await list('a')).toEqual([]);
    });

    test('a deleted object is gone, and its directory when it was the last one', async () => {
      await put('dir/sub/a', 'x');
      await put('other', 'x');
      await bucket.delete('dir/sub/a', signal);
      expect(await bucket.exists('dir/sub/a', signal)).toBe(false);
      expect(await list('')).toEqual(['other']);
    });

    test('a source that fails leaves no object and the old one unharmed, and its error passes unchanged', async () => {
      const fault = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'read' });
      const broken: ObjectSource = {
        size: 1000,
        async *open() {
          yield new Uint8Array(500);
          throw fault;
        },
      };
      await put('old', 'old');
      await expect(bucket.upload('new', broken, signal)).rejects.toBe(fault);
      await expect(bucket.upload('old', broken, signal)).rejects.toBe(fault);
      expect(await read('old')).toBe('old');
      expect(await list('', true)).toEqual(['old']);
    });

    test.each([
      ['shorter', 5],
      ['longer', 15],
    ])('a source that turns out %s than announced leaves no object', async (_, bytes) => {
      const source: ObjectSource = { size: 10, open: () => bytesSource(new Uint8Array(bytes)).open(0, bytes) };
      await expect(bucket.upload('a', source, signal)).rejects.toMatchObject({ code: 'SOURCE_SIZE_CHANGED' });
      expect(await bucket.exists('a', signal)).toBe(false);
    });

    test('an aborted signal ends every operation as cancelled', async () => {
      const aborted = AbortSignal.abort(new Error('going away'));
      const expectCancelled = (promise: Promise<unknown>): Promise<void> =>
        expect(promise).rejects.toMatchObject({ kind: 'cancelled' });
      await put('a', 'x');
      await expectCancelled(bucket.upload('b', bytesSource(new Uint8Array(1)), aborted));
      await expectCancelled(bucket.get('a', aborted));
      await expectCancelled(bucket.exists('a', aborted));
      await expectCancelled(bucket.attributes('a', aborted));
      await expectCancelled(bucket.delete('a', aborted));
      await expectCancelled(gather(bucket.list('', {}, aborted)));
      expect(await list('', true)).toEqual(['a']);
    });

    test('an upload that is cancelled half-way leaves no object', async () => {
      const controller = new AbortController();
      const source: ObjectSource = {
        size: 2000,
        async *open(from, to) {
          yield new Uint8Array(1000);
          controller.abort(new Error('going away'));
          if (to - from > 1000) yield new Uint8Array(1000);
        },
      };
      await expect(bucket.upload('a', source, controller.signal)).rejects.toMatchObject({ kind: 'cancelled' });
      expect(await list('', true)).toEqual([]);
    });

    test.each(['', '/a', 'a/', 'a//b', '../a', 'a/../../b', './a', 'a\0b', 'x'.repeat(1025)])(
      'refuses the name %j',
      async (name) => {
        await expect(bucket.upload(name, bytesSource(new Uint8Array(1)), signal)).rejects.toMatchObject({
          code: 'OBJECT_NAME_INVALID',
        });
        expect(await list('', true)).toEqual([]);
      },
    );

    test('many uploads and deletes of one directory at once all succeed', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          await put(`dir/${i}`, String(i));
          if (i % 2 === 0) await bucket.delete(`dir/${i}`, signal);
        }),
      );
      expect(await list('dir')).toHaveLength(10);
    });
  });
}

/** All names of a listing. */
export async function gather(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}

/** All bytes of a stream. */
export async function gatherBytes(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
