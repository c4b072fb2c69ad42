import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { loadHeadChunks } from '@gauntlet/head-chunks';
import { decodeCanonicalLabels } from '@gauntlet/kernel';
import type { Vfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { repairWal, replayWal, type ReplayOptions, type WalDamage } from '@gauntlet/wal';
import { createHead, openHeadSnapshot, trimChunk, type Head, type HeadChunk, type HeadOptions } from '../index.js';
import type { TestLabels } from './lay-out-batch.js';
import { recordedSample, type RecordedSample, type RecordedSeries } from './recorded-samples.js';

export const recorded = (...path: string[]): string => join(__dirname, '../../testdata/recorded', ...path);
export const json = <T>(...path: string[]): T => JSON.parse(readFileSync(recorded(...path), 'utf8')) as T;
export const lines = <T>(...path: string[]): T[] => {
  const bytes = readFileSync(recorded(...path));
  const text = path.at(-1)!.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
};

/** Files below a directory by their path there, unpacked. */
export function filesBelow(dir: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const name = path.slice(dir.length + 1);
    if (name.endsWith('.gz')) files.set(name.slice(0, -3), gunzipSync(bytes));
    else files.set(name, bytes);
  }
  return files;
}

export async function write(vfs: Vfs, dir: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await vfs.makeDir(dir);
  for (const [name, bytes] of files) {
    await vfs.makeDir(join(dir, name, '..'));
    const file = await vfs.open(join(dir, name), 'replace');
    await file.write(bytes, 0);
    await file.close();
  }
}

interface RecordedFiles {
  readonly wal: string;
  readonly wbl?: string;
  readonly chunks?: string;
}

type RecordedOptions = Partial<HeadOptions> & {
  readonly minValidTimeMs?: number;
};

export interface OpenedHead {
  readonly head: Head;
  readonly read: (chunk: HeadChunk) => ChunkSample[];
  /** Of the log; it has been repaired. */
  readonly damage: WalDamage | undefined;
}

/** Brings a head up from recorded directories. */
export async function openRecorded(paths: RecordedFiles, options?: RecordedOptions): Promise<OpenedHead> {
  const vfs = new MemoryVfs();
  for (const [name, path] of Object.entries(paths)) await write(vfs, `/${name}`, filesBelow(path as string));
  const opened = await openHead(vfs, options);
  expect(opened.damage).toBeUndefined();
  return opened;
}

/** Brings a head up from the directories `/wal`, `/wbl` and `/chunks`, as a database does. */
export async function openHead(
  vfs: Vfs,
  { minValidTimeMs = -Infinity, ...options }: RecordedOptions = {},
): Promise<OpenedHead> {
  const head = createHead({ chunkRangeMs: 7_200_000, exemplarsMax: 1000, ...options });
  head.minValidTimeMs = minValidTimeMs;
  const stored = new Map<string, Uint8Array>();
  if ((await vfs.stat('/chunks')) !== undefined) {
    await loadHeadChunks(vfs, '/chunks', {
      onChunk: (chunk, data) => {
        stored.set(`${String(chunk.position.file)} ${String(chunk.position.offset)}`, data.slice());
        head.attachStored(chunk);
      },
    });
  }
  const replay = async (dir: string, from: Omit<ReplayOptions, 'onRecord'>, onRecord: (record: Uint8Array) => void) => {
    if ((await vfs.stat(dir)) === undefined) return undefined;
    const found = await replayWal(vfs, dir, { ...from, onRecord });
    if (found.damage !== undefined) await repairWal(vfs, dir, found.damage);
    return found.damage;
  };
  const damage = await replay('/wal', {}, (record) => {
    head.replay(record);
  });
  const lateDamage = await replay('/wbl', { fromSegment: 'first' }, (record) => {
    head.replayOutOfOrder(record);
  });
  expect(lateDamage).toBeUndefined();
  const read = (chunk: HeadChunk): ChunkSample[] => {
    if (chunk.data !== undefined) return decodeChunk(chunk.encoding, chunk.data);
    const data = stored.get(`${String(chunk.stored.file)} ${String(chunk.stored.offset)}`)!;
    expect(data.length).toBe(chunk.stored.dataLength);
    return trimChunk(chunk, data).flatMap((held) => decodeChunk(held.encoding, held.data));
  };
  return { head, read, damage };
}

/** All that a query over everything returns: of samples with one time, that in order. */
export function dump(head: Head, read: (chunk: HeadChunk) => ChunkSample[]): RecordedSeries[] {
  const all = new Map<string, Map<bigint, ChunkSample>>();
  const add = (labels: Uint8Array, samples: Iterable<ChunkSample>): void => {
    const key = Buffer.from(labels).toString('hex');
    if (!all.has(key)) all.set(key, new Map());
    for (const sample of samples)
      if (!all.get(key)!.has(sample.timestampMs)) all.get(key)!.set(sample.timestampMs, sample);
  };
  const builder = head.snapshot(-Infinity, Infinity);
  while (builder.prepare(1));
  const cursor = openHeadSnapshot(builder.description());
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    add(series.labels, series.chunks.flatMap(read));
  }
  builder.close();
  for (const { labels, chunks, samples } of head.outOfOrderSnapshot().series) {
    add(labels, chunks.flatMap(read));
    add(labels, samples);
  }
  return [...all].map(([key, samples]) => ({
    labels: labelPairs(Buffer.from(key, 'hex')),
    samples: [...samples.values()].sort((a, b) => Number(a.timestampMs - b.timestampMs)).map(recordedSample),
  }));
}

const fields = 'kind hint schema zeroThreshold sum count zeroCount posSpans negSpans pos neg custom'.split(' ');

/** As texts, which compare faster than objects do. */
export const byLabels = (series: readonly RecordedSeries[]) =>
  new Map(
    series.map(({ labels, samples }) => [
      JSON.stringify(labels),
      samples.map((sample) => JSON.stringify(sample, fields)).join('\n'),
    ]),
  );

/** Start timestamps are not kept. */
export const withoutStart = (series: readonly RecordedSeries[]): RecordedSeries[] =>
  series.map(({ labels, samples }) => ({ labels, samples: samples.map(([t, value]) => [t, value] as const) }));

/** Which samples of a merge may say that they follow one another depends on how it was done. */
export const withoutHints = (series: readonly RecordedSeries[]): RecordedSeries[] =>
  series.map(({ labels, samples }) => ({
    labels,
    samples: samples.map(([t, value]): RecordedSample => [
      t,
      typeof value === 'string' ? value : { ...value, hint: 'unknown' },
    ]),
  }));

export function exemplarsOf(head: Head, labelsOf: ReadonlyMap<number, string>): Map<string, unknown> {
  return new Map(
    [...head.exemplars!.all()].map(({ ref, exemplars }) => [
      labelsOf.get(ref)!,
      exemplars.map(({ timestampMs, valueBits, labels }) => [
        String(timestampMs),
        valueBits.toString(16).padStart(16, '0'),
        labels.map(({ name, value }) => [name, value]),
      ]),
    ]),
  );
}

const labelPairs = (labels: Uint8Array): [string, string][] =>
  decodeCanonicalLabels(labels).map(([name, value]) => [name.toString(), value.toString()]);

/** The text of labels as a recording has them. */
export const labelsText = (labels: Uint8Array): string => JSON.stringify(labelPairs(labels));

export function refsOf(head: Head): Map<number, string> {
  const refs = new Map<number, string>();
  const cursor = head.cursor(-Infinity, Infinity);
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    refs.set(series.ref, labelsText(series.labels));
  }
  cursor.close();
  return refs;
}

interface RecordedExemplars {
  readonly labels: TestLabels;
  readonly exemplars: unknown;
}
export const recordedExemplars = (...path: string[]): Map<string, unknown> =>
  new Map(
    json<RecordedExemplars[]>(...path)
      .map(({ labels, exemplars }): [string, unknown] => [JSON.stringify(labels), exemplars])
      // A series that was deleted as a whole, of which the recordings have kept one to three of three, by chance.
      .filter(([labels]) => !labels.includes('["__name__","metric_1"],["instance","host-1:9100"]')),
  );

/** A log of the recordings that the tests of the log have. */
export const recordedWal = (...path: string[]): string => join(__dirname, '../../../wal/testdata', ...path);
