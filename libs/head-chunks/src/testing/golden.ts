import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { loadHeadChunks, type LoadedHeadChunks, type StoredHeadChunk } from '../index.js';

const testdata = join(__dirname, '../../testdata');
export const dir = '/tenant/chunks_head';

/** A value of the recordings; 64-bit integers are strings there. */
export interface GoldenChunk {
  readonly file: number;
  readonly offset: number;
  readonly ref: string;
  readonly mint: string;
  readonly maxt: string;
  readonly encoding: number;
  readonly outOfOrder: boolean;
  readonly numSamples: number;
  readonly data: string;
}

export interface GoldenOp {
  readonly op: 'truncate' | 'xor' | 'zero' | 'append' | 'create' | 'delete' | 'rename';
  readonly file: string;
  readonly size?: number;
  readonly offset?: number;
  readonly mask?: number;
  readonly length?: number;
  readonly bytes?: string;
  readonly to?: string;
}

export interface DamageCase {
  readonly name: string;
  readonly ops: readonly GoldenOp[] | null;
  readonly result: {
    readonly openError: string | null;
    readonly iterateError?: string | null;
    readonly chunksReadBeforeError?: number;
    readonly chunksAfterDelete?: number;
    readonly filesLeft?: readonly string[];
  };
}

export function readLines<T>(name: string): T[] {
  return readFileSync(join(testdata, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** The recorded files, by name. */
export function goodFiles(): Map<string, Buffer> {
  return new Map(readdirSync(join(testdata, 'good')).map((name) => [name, readFileSync(join(testdata, 'good', name))]));
}

export function patched(files: Map<string, Buffer>, ops: readonly GoldenOp[]): Map<string, Buffer> {
  for (const { op, file, offset = 0, size = 0, mask = 0, length = 0, bytes = '', to = '' } of ops) {
    const old = Buffer.from(files.get(file) ?? []);
    if (op === 'delete' || op === 'rename') files.delete(file);
    if (op === 'rename') files.set(to, old);
    if (op === 'truncate') files.set(file, Buffer.concat([old, Buffer.alloc(Math.max(0, size - old.length))], size));
    if (op === 'xor') files.set(file, old.fill(old[offset]! ^ mask, offset, offset + 1));
    if (op === 'zero') files.set(file, old.fill(0, offset, offset + length));
    if (op === 'append' || op === 'create') files.set(file, Buffer.concat([old, Buffer.from(bytes, 'base64')]));
  }
  return files;
}

export async function diskWith(files: ReadonlyMap<string, Uint8Array>, vfs = new MemoryVfs()): Promise<MemoryVfs> {
  await vfs.makeDir(dir);
  for (const [name, bytes] of files) await putFile(vfs, name, bytes);
  return vfs;
}

export async function putFile(vfs: MemoryVfs, name: string, bytes: Uint8Array): Promise<void> {
  const file = await vfs.open(`${dir}/${name}`, 'replace');
  await file.write(bytes, 0);
  await file.datasync();
  await file.close();
}

export async function namesIn(vfs: MemoryVfs): Promise<string[]> {
  return (await vfs.readDir(dir)).map(({ name }) => name);
}

export interface Found extends StoredHeadChunk {
  readonly data: string;
}

export async function load(
  vfs: MemoryVfs,
): Promise<{ readonly result: LoadedHeadChunks; readonly chunks: readonly Found[] }> {
  const chunks: Found[] = [];
  const onChunk = (chunk: StoredHeadChunk, data: Uint8Array): void =>
    void chunks.push({ ...chunk, data: Buffer.from(data).toString('base64') });
  return { result: await loadHeadChunks(vfs, dir, { onChunk }), chunks };
}

/** What `load` finds of a recorded chunk. */
export function foundOf(golden: GoldenChunk): Found {
  const dataLength = Buffer.from(golden.data, 'base64').length;
  return {
    ref: Number(golden.ref),
    minTimeMs: Number(golden.mint),
    maxTimeMs: Number(golden.maxt),
    encoding: golden.encoding,
    isOutOfOrder: golden.outOfOrder,
    sampleCount: golden.numSamples,
    position: { file: golden.file, offset: golden.offset },
    dataOffset: golden.offset + 25 + (dataLength > 127 ? 2 : 1),
    dataLength,
    data: golden.data,
  };
}
