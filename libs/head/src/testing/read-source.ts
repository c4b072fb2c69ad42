import { decodeChunk, type ChunkSample } from '@gauntlet/chunk';
import { labelsOfCanonical } from '@gauntlet/model';
import type { Pace, SeriesSource } from '@gauntlet/select';

export interface ReadSeries {
  readonly labels: string;
  /** Of its chunks one after another. */
  readonly samples: readonly ChunkSample[];
  readonly chunks: readonly (readonly [minTimeMs: number, maxTimeMs: number])[];
}

/** Reads a source to its end, and closes it. */
export async function readSource(source: SeriesSource): Promise<ReadSeries[]> {
  const all: ReadSeries[] = [];
  for (let series = await source.next(); series !== undefined; series = await source.next()) {
    all.push({
      labels: textOf(series.labels),
      samples: series.chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data)),
      chunks: series.chunks.map(({ minTimeMs, maxTimeMs }) => [minTimeMs, maxTimeMs] as const),
    });
  }
  source.close();
  return all;
}

export function textOf(labels: Uint8Array): string {
  return labelsOfCanonical(labels)
    .map(({ name, value }) => `${name}=${value}`)
    .join(',');
}

/** Rests whenever it is asked, and lets `meanwhile` work then. */
export function restless(meanwhile: () => void | Promise<void> = () => undefined): Pace {
  return {
    isDue: true,
    rest: async () => {
      await meanwhile();
    },
  };
}
