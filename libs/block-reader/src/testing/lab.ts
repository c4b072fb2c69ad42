import { writeBlock, type BlockMeta, type BlockSeries, type Tombstones, encodeTombstones } from '@gauntlet/block';
import { encodeChunks } from '@gauntlet/chunk';
import { canonicalLabels, compareLabels, type Labels } from '@gauntlet/model';
import type { ModelSeries } from '@gauntlet/select/testing';
import type { SelectedChunk } from '@gauntlet/select';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import type { Vfs } from '@gauntlet/vfs';

export const blockDir = '/data/tenant/01J00000000000000000000000';

/** Chunks of floats at these times, one for each run. */
export function floatChunks(runs: readonly (readonly number[])[]): SelectedChunk[] {
  return runs.map((times) => {
    const samples = times.map((timeMs) => ({ timestampMs: BigInt(timeMs), bits: BigInt(timeMs) << 20n }));
    const [{ minTimeMs, maxTimeMs, encoding, data } = never()] = encodeChunks(samples, { samplesMax: 1000 });
    return { minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs), encoding, data };
  });
}

/** Writes a block of series in any order; what its meta.json would say comes back. */
export async function writeTestBlock(
  vfs: Vfs,
  all: Iterable<ModelSeries>,
  { dir = blockDir, segmentBytesMax = 3_000, tombstones = new Map() as Tombstones } = {},
): Promise<BlockMeta> {
  await vfs.makeDir(`${dir}/chunks`);
  const open = async (name: string): Promise<{ write(bytes: Uint8Array): Promise<void>; close(): Promise<void> }> => {
    const file = await vfs.open(`${dir}/${name}`, 'create');
    let at = 0;
    return {
      async write(bytes) {
        at += bytes.length;
        await file.write(bytes, at - bytes.length);
      },
      close: () => file.close(),
    };
  };
  const rest = [...all].sort((a, b) => compareLabels(a.labels, b.labels)).values();
  const times = { min: Infinity, max: -Infinity };
  const next = (): BlockSeries | undefined => {
    const { value } = rest.next() as { value: ModelSeries | undefined };
    if (value === undefined) return undefined;
    for (const { minTimeMs, maxTimeMs } of value.chunks) {
      times.min = Math.min(times.min, minTimeMs);
      times.max = Math.max(times.max, maxTimeMs);
    }
    return {
      labels: canonicalLabels(value.labels),
      chunks: value.chunks.map((chunk) => ({ ...chunk, sampleCount: (chunk.data[0]! << 8) | chunk.data[1]! })),
    };
  };
  const stats = await writeBlock(
    { next },
    { openIndex: () => open('index'), openSegment: (name) => open(`chunks/${name}`) },
    { segmentBytesMax },
  );
  const file = await vfs.open(`${dir}/tombstones`, 'create');
  await file.write(encodeTombstones(tombstones), 0);
  await file.close();
  return metaOf(times.min, times.max + 1, stats.numSeries);
}

export async function memoryBlock(all: Iterable<ModelSeries>): Promise<{ vfs: MemoryVfs; meta: BlockMeta }> {
  const vfs = new MemoryVfs();
  return { vfs, meta: await writeTestBlock(vfs, all) };
}

export function metaOf(minTime: number, maxTime: number, numSeries: number): BlockMeta {
  return {
    ulid: '01J00000000000000000000000',
    minTime,
    maxTime,
    stats: { numSeries },
    compaction: { level: 1 },
    version: 1,
  };
}

export function labelsText(labels: Labels): string {
  return labels.map(({ name, value }) => `${name}=${value}`).join();
}

function never(): never {
  throw new Error('there is a chunk');
}
