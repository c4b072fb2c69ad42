import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { decodeCanonicalLabels } from '@gauntlet/kernel';
import { openHeadSnapshot } from '../head-snapshot.js';
import { trimChunk } from '../trim-chunk.js';
import type { Head, HeadChunk, StoredHeadChunk } from '../head.js';

export type ReadStored = (stored: StoredHeadChunk['stored']) => Uint8Array;

export interface DumpedSeries {
  readonly ref: number;
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly ChunkSample[];
}

const noFiles: ReadStored = () => {
  throw new Error('no chunk is in a file');
};

export function samplesOfChunk(chunk: HeadChunk, read: ReadStored = noFiles): ChunkSample[] {
  const held = chunk.data === undefined ? trimChunk(chunk, read(chunk.stored)) : [chunk];
  return held.flatMap(({ encoding, data }) => decodeChunk(encoding, data));
}

/** Samples in order, series by series in label order. */
export function dumpInOrder(head: Head, read?: ReadStored, min = -Infinity, max = Infinity): DumpedSeries[] {
  const builder = head.snapshot(min, max);
  while (builder.prepare(0));
  const cursor = openHeadSnapshot(builder.description());
  while (cursor.prepare(0));
  const all: DumpedSeries[] = [];
  for (let series = cursor.next(); series !== undefined; series = cursor.next()) {
    const { ref, labels, chunks } = series;
    all.push({ ref, labels: textOf(labels), samples: chunks.flatMap((chunk) => samplesOfChunk(chunk, read)) });
  }
  cursor.close();
  builder.close();
  return all;
}

/** Samples out of order, series by series in label order; a time may be there more than once. */
export function dumpLate(head: Head, read?: ReadStored): DumpedSeries[] {
  return head.outOfOrderSnapshot().series.map(({ ref, labels, chunks, samples }) => ({
    ref,
    labels: textOf(labels),
    samples: [...chunks.flatMap((chunk) => samplesOfChunk(chunk, read)), ...samples],
  }));
}

function textOf(labels: Uint8Array): [string, string][] {
  return decodeCanonicalLabels(labels).map(([name, value]) => [name.toString(), value.toString()]);
}
