/**
 * What a snapshot is to the thread that reads it: structured-cloneable, and valid until the shard's `endSnapshot`. `from` and `into`
 * are arrays of `total` series addresses in the memory.
 */
export interface ShardSnapshotDescription {
  readonly memory: SharedMemory;
  readonly from: number;
  readonly into: number;
  readonly total: number;
  readonly min: bigint;
  readonly max: bigint;
}

/** A shared WebAssembly.Memory. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** One finished chunk, as it was cut. Its data is in the shard's memory, or in a head chunk file. */
export type ShardChunk = {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly sampleCount: number;
  readonly encoding: number;
} & (
  | { readonly data: Uint8Array; readonly stored?: undefined }
  | { readonly stored: { readonly file: number; readonly offset: number; readonly dataLength: number }; readonly data?: undefined }
);

/** Views lie in shared memory, and are valid until the snapshot ends. */
export interface ShardSeries {
  readonly ref: bigint;
  readonly labels: Uint8Array;
  /** Those that have a time in the snapshot's range; never empty. */
  readonly chunks: ShardChunk[];
}

/** Walks the series of a snapshot in label order. */
export interface ShardSnapshotReader {
  readonly seriesCount: number;
  /** Works on about `steps` series; whether sorting goes on. */
  prepare(steps: number): boolean;
  /** The next series; what is left of sorting is done first. */
  next(): ShardSeries | undefined;
}

/** Opens a snapshot in any thread. Writes nothing to the memory but the two arrays of addresses. */
export function openShardSnapshot(_description: ShardSnapshotDescription): ShardSnapshotReader {
  throw new Error('not built yet');
}
