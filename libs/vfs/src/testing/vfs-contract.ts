import type { Vfs } from '../vfs.js';

export interface VfsUnderTest {
  readonly vfs: Vfs;
  /** An existing, empty directory. */
  readonly root: string;
  /** Cleans up. */
  readonly dispose?: () => Promise<void>;
}

/** What every Vfs promises, as tests. */
export function vfsContract(name: string, make: () => Promise<VfsUnderTest>): void {
  describe(`${name} keeps the contract of Vfs`, () => {
    let vfs: Vfs;
    let root: string;
    let dispose: (() => Promise<void>) | undefined;
    beforeEach(async () => ({ vfs, root, dispose } = await make()));
    afterEach(() => dispose?.());

    const bytesOf = (text: string): Uint8Array => Buffer.from(text);
    const textAt = async (path: string): Promise<string> =>
      Buffer.from(await vfs.readFile(`${root}/${path}`)).toString();
    const put = async (path: string, text: string): Promise<void> => {
      const file = await vfs.open(`${root}/${path}`, 'replace');
      await file.write(bytesOf(text), 0);
      await file.close();
    };
    const namesIn = async (path: string): Promise<string[]> => (await vfs.readDir(path)).map((entry) => entry.name);
    const code = (expected: string): unknown => expect.objectContaining({ code: expected });

    test('a new file can be written and read at any position', async () => {
      const file = await vfs.open(`${root}/a`, 'create');
      await file.write(bytesOf('world'), 6);
      await file.write(bytesOf('hello '), 0);
      const into = Buffer.alloc(5);
      expect(await file.read(into, 3)).toBe(5);
      expect(into.toString()).toBe('lo wo');
      expect(await file.size()).toBe(11);
      await file.datasync();
      await file.close();
      expect(await textAt('a')).toBe('hello world');
    });

    test('a read stops at the end of the file and leaves the rest of the buffer alone', async () => {
      await put('a', 'abc');
      const file = await vfs.open(`${root}/a`, 'read');
      const into = Buffer.from('......');
      expect(await file.read(into, 1)).toBe(2);
      expect(into.toString()).toBe('bc....');
      expect(await file.read(into, 3)).toBe(0);
      expect(await file.read(into, 99)).toBe(0);
      await file.close();
    });

    test('a written buffer belongs to the caller again', async () => {
      const file = await vfs.open(`${root}/a`, 'create');
      const bytes = Buffer.from('one');
      await file.write(bytes, 0);
      bytes.fill(0);
      await file.close();
      expect(await textAt('a')).toBe('one');
    });

    test('writing behind the end and extending fill with zeros, shortening forgets', async () => {
      const file = await vfs.open(`${root}/a`, 'create');
      await file.write(bytesOf('ab'), 4);
      await file.truncate(5);
      await file.truncate(7);
      await file.close();
      expect(await textAt('a')).toBe('\0\0\0\0a\0\0');
    });

    test.each([
      ['read', 'missing', 'ENOENT'],
      ['update', 'missing', 'ENOENT'],
      ['create', 'there', 'EEXIST'],
      ['create', 'no/such/parent', 'ENOENT'],
      ['create', 'there/below', 'ENOTDIR'],
      ['replace', '', 'EISDIR'],
    ] as const)('open %s of %p fails with %s', async (mode, path, expected) => {
      await put('there', 'x');
      await expect(vfs.open(`${root}/${path}`, mode)).rejects.toEqual(code(expected));
    });

    test('an open mode decides what becomes of the old contents', async () => {
      await put('a', 'abc');
      const update = await vfs.open(`${root}/a`, 'update');
      await update.write(bytesOf('X'), 1);
      await update.close();
      expect(await textAt('a')).toBe('aXc');
      await (await vfs.open(`${root}/a`, 'replace')).close();
      expect(await textAt('a')).toBe('');
    });

    test('a file opened to be read refuses writes', async () => {
      await put('a', 'abc');
      const file = await vfs.open(`${root}/a`, 'read');
      await expect(file.write(bytesOf('x'), 0)).rejects.toEqual(code('EBADF'));
      await file.close();
      expect(await textAt('a')).toBe('abc');
    });

    test('stat tells kind and size, and undefined of what is missing', async () => {
      await put('a', 'abc');
      expect(await vfs.stat(`${root}/a`)).toMatchObject({
        kind: 'file',
        size: 3,
        modifiedMs: expect.any(Number) as number,
      });
      expect(await vfs.stat(root)).toMatchObject({ kind: 'directory', size: 0 });
      expect(await vfs.stat(`${root}/none`)).toBeUndefined();
      expect(await vfs.stat(`${root}/a/below`)).toBeUndefined();
    });

    test('a directory lists its names in byte order', async () => {
      for (const name of ['b', 'a', 'Z', '10', '9', '\u{ffee}', '\u{1f600}']) await put(name, '');
      await vfs.makeDir(`${root}/dir/sub`);
      expect(await namesIn(root)).toEqual(['10', '9', 'Z', 'a', 'b', 'dir', '\u{ffee}', '\u{1f600}']);
      expect(
        (await vfs.readDir(root)).filter((entry) => entry.kind === 'directory').map((entry) => entry.name),
      ).toEqual(['dir']);
      await expect(vfs.readDir(`${root}/none`)).rejects.toEqual(code('ENOENT'));
      await expect(vfs.readDir(`${root}/a`)).rejects.toEqual(code('ENOTDIR'));
    });

    test('makeDir makes parents, and is content when all is there', async () => {
      await vfs.makeDir(`${root}/x/y/z`);
      await vfs.makeDir(`${root}/x/y/z`);
      expect(await namesIn(`${root}/x/y`)).toEqual(['z']);
      await put('file', '');
      await expect(vfs.makeDir(`${root}/file`)).rejects.toEqual(code('EEXIST'));
      await expect(vfs.makeDir(`${root}/file/below`)).rejects.toEqual(code('ENOTDIR'));
    });

    test('rename replaces a file', async () => {
      await put('a', 'new');
      await put('b', 'old');
      await vfs.rename(`${root}/a`, `${root}/b`);
      expect(await textAt('b')).toBe('new');
      expect(await namesIn(root)).toEqual(['b']);
    });

    test('rename moves a directory with its contents, also over an empty one, never over a full one', async () => {
      await vfs.makeDir(`${root}/from`);
      await put('from/a', 'x');
      await vfs.makeDir(`${root}/empty`);
      await vfs.rename(`${root}/from`, `${root}/empty`);
      expect(await textAt('empty/a')).toBe('x');
      await vfs.makeDir(`${root}/other`);
      await expect(vfs.rename(`${root}/other`, `${root}/empty`)).rejects.toEqual(code('ENOTEMPTY'));
      await expect(vfs.rename(`${root}/none`, `${root}/b`)).rejects.toEqual(code('ENOENT'));
    });

    test('a link is a second name of the same file', async () => {
      await put('a', 'one');
      await vfs.link(`${root}/a`, `${root}/b`);
      const file = await vfs.open(`${root}/b`, 'update');
      await file.write(bytesOf('two'), 0);
      await file.close();
      expect(await textAt('a')).toBe('two');
      await vfs.remove(`${root}/a`);
      expect(await textAt('b')).toBe('two');
      await put('c', '');
      await expect(vfs.link(`${root}/b`, `${root}/c`)).rejects.toEqual(code('EEXIST'));
    });

    test('remove takes files and empty directories, and is content when nothing is there', async () => {
      await put('a', '');
      await vfs.makeDir(`${root}/empty`);
      await vfs.makeDir(`${root}/full/sub`);
      await vfs.remove(`${root}/a`);
      await vfs.remove(`${root}/a`);
      await vfs.remove(`${root}/empty`);
      await expect(vfs.remove(`${root}/full`)).rejects.toEqual(code('ENOTEMPTY'));
      expect(await namesIn(root)).toEqual(['full']);
    });

    test('removeAll takes a tree, and is content when nothing is there', async () => {
      await vfs.makeDir(`${root}/tree/sub`);
      await put('tree/sub/a', 'x');
      await vfs.removeAll(`${root}/tree`);
      await vfs.removeAll(`${root}/tree`);
      expect(await namesIn(root)).toEqual([]);
    });

    test('an open file outlives its name', async () => {
      const file = await vfs.open(`${root}/a`, 'create');
      await vfs.remove(`${root}/a`);
      await file.write(bytesOf('still here'), 0);
      expect(await file.size()).toBe(10);
      await file.close();
      expect(await namesIn(root)).toEqual([]);
    });

    test('freeBytes tells of the disk below any path that is there', async () => {
      await put('a', 'x');
      expect(await vfs.freeBytes(root)).toBeGreaterThan(0);
      expect(await vfs.freeBytes(`${root}/a`)).toBeGreaterThan(0);
      await expect(vfs.freeBytes(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    });

    test('syncDir works on a directory and on nothing else', async () => {
      await put('a', '');
      await vfs.syncDir(root);
      await expect(vfs.syncDir(`${root}/none`)).rejects.toEqual(code('ENOENT'));
    });
  });
}
