import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { crc32c } from '@gauntlet/kernel';
import type { Vfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';

const root = resolve(__dirname, '../../../..');

/** Recordings of this tool and of the libraries whose formats they are. */
export const recordings = {
  tool: join(root, 'tools/tsdb/testdata'),
  block: join(root, 'libs/block/testdata'),
  wal: join(root, 'libs/wal/testdata'),
  headChunks: join(root, 'libs/head-chunks/testdata'),
};

/** Copies a directory of the disk to one in memory, which a test may then damage. Segments kept as `.gz` are unpacked. */
export async function inMemory(from: string, to: string, vfs: Vfs = new MemoryVfs()): Promise<Vfs> {
  await vfs.makeDir(to);
  for (const name of readdirSync(from)) {
    const path = join(from, name);
    if (statSync(path).isDirectory()) await inMemory(path, `${to}/${name}`, vfs);
    else if (/^\d+\.gz$/.test(name)) await writeFile(vfs, `${to}/${name.slice(0, -3)}`, gunzipSync(readFileSync(path)));
    else await writeFile(vfs, `${to}/${name}`, readFileSync(path));
  }
  return vfs;
}

export async function writeFile(vfs: Vfs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await vfs.open(path, 'replace');
  await file.write(bytes, 0);
  await file.close();
}

/** Where the recorded blocks named so lie. */
export function blockDirs(in_: string): string[] {
  return readdirSync(in_).flatMap((name) =>
    readdirSync(join(in_, name))
      .filter((id) => /^01[0-9A-Z]{24}$/.test(id))
      .map((id) => join(in_, name, id)),
  );
}

export const exampleId = '01HF859JX0000G40R40M30E209';
/** Time of the first sample in the example block. */
export const exampleTimeMs = 1_700_000_000_000;

/**
 * The block of spec/tsdb.md A.7, to be damaged: bytes are written over, then `seal` sums them up again.
 * Index: symbols at 5; series 3 at 48 and 5 at 80; lists of all at 100, `__name__="up"` at 120, `job="a"` at 140, `job="b"` at 156; their table at 172; contents at 220.
 * Chunks at 8, 39 and 61.
 */
export class ExampleBlock {
  index = Buffer.from(readFileSync(join(recordings.block, 'example', 'index')));
  chunks = Buffer.from(readFileSync(join(recordings.block, 'example', 'chunks/000001')));
  meta: { [field: string]: unknown; stats: Record<string, number>; compaction: Record<string, unknown> } = {
    ulid: exampleId,
    minTime: exampleTimeMs,
    maxTime: 1_700_006_400_000,
    stats: { numSamples: 5, numFloatSamples: 5, numSeries: 2, numChunks: 3 },
    compaction: { level: 1, sources: [exampleId] },
    version: 1,
  };
  tombstones: Buffer | undefined = Buffer.from('0130ba300100000000', 'hex');

  put(at: number, ...bytes: readonly number[]): this {
    this.index.set(bytes, at);
    return this;
  }

  /** Sums up series entries, lists and tables again. */
  seal(): this {
    const sections = [5, 100, 120, 140, 156, 172];
    for (const at of sections) seal(this.index, at + 4, this.index.readUInt32BE(at));
    for (const at of [48, 80]) seal(this.index, at + 1, this.index[at]!);
    seal(this.index, 220, 48);
    return this;
  }

  putChunk(at: number, bytes: Uint8Array): this {
    this.chunks.set(bytes, at);
    return this;
  }

  sealChunks(): this {
    for (const at of [8, 39, 61]) if (at < this.chunks.length) seal(this.chunks, at + 1, this.chunks[at]! + 1);
    return this;
  }

  async write(vfs: Vfs = new MemoryVfs(), dir = `/${exampleId}`): Promise<Vfs> {
    await vfs.makeDir(`${dir}/chunks`);
    await writeFile(vfs, `${dir}/index`, this.index);
    await writeFile(vfs, `${dir}/chunks/000001`, this.chunks);
    await writeFile(vfs, `${dir}/meta.json`, Buffer.from(JSON.stringify(this.meta)));
    if (this.tombstones !== undefined) await writeFile(vfs, `${dir}/tombstones`, this.tombstones);
    return vfs;
  }
}

/** Writes the checksum of `length` bytes behind them. */
export function seal(bytes: Buffer, at: number, length: number): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(at, at + length)), at + length);
}
