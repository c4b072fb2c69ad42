import { MemorySource, openIndex, parseBlockMeta, readChunk } from '@gauntlet/block';
import { decodeChunk } from '@gauntlet/chunk';
import { trimChunk, type Head, type HeadSeries, type StoredHeadChunk } from '@gauntlet/head';
import { readHeadChunks } from '@gauntlet/head-chunks';
import { isUlid } from '@gauntlet/model';
import type { MemoryBucket } from '@gauntlet/objstore/testing';
import { decodeWriteRequest } from '@gauntlet/remote-write';
import type { Vfs } from '@gauntlet/vfs';
import { exemplarTexts, sampleText, seriesText, storedValueText } from './sample-text.js';

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

/** Adds every sample of a head, those out of order included; its chunks that belong into files have been written there. */
export async function readHead(
  head: Head,
  files: { readonly vfs: Vfs; readonly dir: string },
  into: Set<string>,
): Promise<void> {
  const cursor = head.cursor(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  try {
    for (let series = cursor.next(); series !== undefined; series = cursor.next())
      await readHeadSeries(series, files, into);
  } finally {
    cursor.close();
  }
  for (const series of head.outOfOrderSnapshot().series) {
    await readHeadSeries(series, files, into);
    const text = seriesText(labelsOf(series.labels));
    for (const sample of series.samples) into.add(sampleText(text, sample.timestampMs, storedValueText(sample)));
  }
}

async function readHeadSeries(
  { labels, chunks }: Pick<HeadSeries, 'labels' | 'chunks'>,
  { vfs, dir }: { readonly vfs: Vfs; readonly dir: string },
  into: Set<string>,
): Promise<void> {
  const text = seriesText(labelsOf(labels));
  const stored: StoredHeadChunk[] = [];
  for (const chunk of chunks) {
    if (chunk.data === undefined) stored.push(chunk);
    else addChunk(text, chunk.encoding, chunk.data, into);
  }
  const wanted = stored.map(({ stored: { file, offset, dataLength } }) => ({ position: { file, offset }, dataLength }));
  await readHeadChunks(vfs, `${dir}/chunks_head`, wanted, (index, data) => {
    for (const chunk of trimChunk(stored[index]!, data)) addChunk(text, chunk.encoding, chunk.data, into);
  });
}

/** Adds the exemplars of a head, as texts of their own. */
export function readExemplars(head: Head, into: Set<string>): void {
  const names = new Map<number, string>();
  const cursor = head.cursor(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  for (let series = cursor.next(); series !== undefined; series = cursor.next())
    names.set(series.ref, seriesText(labelsOf(series.labels)));
  cursor.close();
  for (const { ref, exemplars } of head.exemplars?.all() ?? []) {
    const name = names.get(ref);
    // A series without a sample in order is not among them.
    if (name === undefined) continue;
    const found = exemplars.map(({ timestampMs, valueBits, labels }) => ({
      timestampMs,
      bits: valueBits,
      labels: labels.map((label) => [label.name, label.value] as const),
    }));
    for (const text of exemplarTexts(name, found)) into.add(text);
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
