import { MemorySource, openIndex, parseBlockMeta, readChunk } from '@gauntlet/block';
import { decodeChunk } from '@gauntlet/chunk';
import type { Head } from '@gauntlet/head';
import { isUlid } from '@gauntlet/model';
import type { MemoryBucket } from '@gauntlet/objstore/testing';
import { decodeWriteRequest } from '@gauntlet/remote-write';
import type { Vfs } from '@gauntlet/vfs';
import { sampleText, seriesText, storedValueText } from './sample-text.js';

/** A block's files by name, wherever they lie. */
interface BlockFiles {
  readonly names: readonly string[];
  read(name: string): Promise<Uint8Array>;
}

/** Adds every sample of the blocks that readers would find in a tenant's directory. */
export async function readLocalBlocks(vfs: Vfs, dir: string, into: Set<string>): Promise<void> {
  for (const { name: id, kind } of await vfs.readDir(dir)) {
    if (kind !== 'directory' || !isUlid(id)) continue;
    const segments = (await vfs.readDir(`${dir}/${id}/chunks`)).map(({ name }) => `chunks/${name}`);
    await readBlock({ names: segments, read: (name) => vfs.readFile(`${dir}/${id}/${name}`) }, into);
  }
}

/**
 * Adds every sample of the bucket's complete blocks, those with a meta.json; a block without one does not exist for a reader. Those whose files
 * are the same as a local block's are not read again.
 */
export async function readBucketBlocks(
  { objects }: MemoryBucket,
  local: { readonly vfs: Vfs; readonly dir: string },
  into: Set<string>,
): Promise<void> {
  for (const name of objects.keys()) {
    const [id = '', file] = name.split('/');
    if (file !== 'meta.json') continue;
    const segments = [...objects.keys()]
      .filter((other) => other.startsWith(`${id}/chunks/`))
      .map((path) => path.slice(id.length + 1));
    const read = async (part: string): Promise<Uint8Array> => {
      const found = objects.get(`${id}/${part}`);
      if (found === undefined) throw new Error(`Cannot read ${id}/${part}: the bucket has meta.json without it`);
      return found.bytes;
    };
    if (!(await isSame(segments, read, { ...local, id }))) await readBlock({ names: segments, read }, into);
  }
}

async function isSame(
  segments: readonly string[],
  read: (part: string) => Promise<Uint8Array>,
  { vfs, dir, id }: { readonly vfs: Vfs; readonly dir: string; readonly id: string },
): Promise<boolean> {
  if ((await vfs.stat(`${dir}/${id}/meta.json`)) === undefined) return false;
  for (const part of [...segments, 'index']) {
    const bytes = await vfs.readFile(`${dir}/${id}/${part}`).catch(() => undefined);
    if (bytes === undefined || Buffer.compare(bytes, await read(part)) !== 0) return false;
  }
  return (await vfs.readDir(`${dir}/${id}/chunks`)).length === segments.length;
}

/** Adds every sample of a head. */
export function readHead(head: Head, into: Set<string>): void {
  const cursor = head.cursor(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  try {
    for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
      const text = seriesText(labelsOf(series.labels));
      for (const { encoding, data } of series.chunks) {
        if (data === undefined) throw new Error(`Cannot read ${text}: a chunk is in a file`);
        addChunk(text, encoding, data, into);
      }
    }
  } finally {
    cursor.close();
  }
}

async function readBlock({ names, read }: BlockFiles, into: Set<string>): Promise<void> {
  const meta = parseBlockMeta(Buffer.from(await read('meta.json')).toString());
  const index = await openIndex(new MemorySource('index', await read('index')));
  const segments = [];
  for (const name of [...names].sort()) segments.push(new MemorySource(name, await read(name)));
  for await (const { labels, chunks } of index.allSeries()) {
    const text = seriesText(labels.map(({ name, value }) => [name, value]));
    for (const { ref } of chunks) {
      const { encoding, data } = await readChunk(segments, ref);
      addChunk(text, encoding, data, into, meta);
    }
  }
}

interface BlockRange {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

function addChunk(series: string, encoding: number, data: Uint8Array, into: Set<string>, block?: BlockRange): void {
  for (const sample of decodeChunk(encoding, data)) {
    const { timestampMs } = sample;
    if (block !== undefined && (timestampMs < block.minTime || timestampMs >= block.maxTime))
      throw new Error(
        `Cannot trust block ${block.ulid}: it holds ${timestampMs}, outside ${block.minTime} to ${block.maxTime}`,
      );
    into.add(sampleText(series, timestampMs, storedValueText(sample)));
  }
}

/** Canonical label bytes are the first fields of a series of remote write. */
function labelsOf(labels: Uint8Array): [string, string][] {
  const { timeseries } = decodeWriteRequest(Buffer.concat([Buffer.from([0x0a, ...varint(labels.length)]), labels]));
  return (timeseries[0]?.labels ?? []).map(([name, value]) => [String(name), String(value)]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
