import { int64Max, int64Min } from '@gauntlet/base';
import { groupBytes, rowBytes, sampleBytes, type ScannedBatch } from '../batch.js';
import { sliceGroup } from '../batch-slices.js';
import { xxh64 } from '../codec.js';
import { ShardFault } from '../shard-error.js';
import { openShardSnapshot, type ShardSeries, type ShardSnapshotDescription } from '../shard-snapshot.js';
import type { SeriesAddress, ShardAppend, ShardBounds, ShardOptions, ShardReplay } from '../shard-types.js';
import { Shard } from '../shard.js';

/** A series `{n="<name>"}` of a request: samples are [timestamp, bits]. */
export interface DrivenRow {
  readonly name: string;
  readonly samples?: readonly (readonly [bigint, bigint])[];
  readonly histograms?: number;
  readonly exemplars?: number;
}

export const hour = 3_600_000n;

export function newShard(options: Partial<ShardOptions> = {}): Shard {
  return new Shard({ chunkRangeMs: Number(2n * hour), samplesPerChunk: 120, fault: new ShardFault(), ...options });
}

export function canonicalLabel(name: string): Buffer {
  const value = Buffer.from(name);
  const inner = Buffer.concat([Buffer.of(0x0a, 1, 0x6e, 0x12, value.length), value]);
  return Buffer.concat([Buffer.of(0x0a, inner.length), inner]);
}

/** Lays out one group as the intake does. */
export function batchOf(rows: readonly DrivenRow[]): ScannedBatch {
  const labels = rows.map(({ name }) => canonicalLabel(name));
  const sampleCount = rows.reduce((sum, row) => sum + (row.samples?.length ?? 0), 0);
  const table = Buffer.alloc(rows.length * rowBytes);
  const samples = Buffer.alloc(sampleCount * sampleBytes);
  let labelsAt = 0;
  let sample = 0;
  for (const [i, row] of rows.entries()) {
    const at = i * rowBytes;
    table.writeBigUInt64LE(
      xxh64(Buffer.concat([Buffer.from('n\xff', 'latin1'), Buffer.from(row.name), Buffer.of(0xff)])),
      at,
    );
    table.writeUInt32LE(labelsAt, at + 16);
    table.writeUInt32LE(labels[i]!.length, at + 20);
    table.writeUInt32LE(sample, at + 24);
    table.writeUInt32LE(row.samples?.length ?? 0, at + 28);
    table.writeUInt32LE(row.histograms ?? 0, at + 40);
    table.writeUInt32LE(row.exemplars ?? 0, at + 44);
    table.writeUInt32LE(1, at + 52);
    labelsAt += labels[i]!.length;
    for (const [t, bits] of row.samples ?? []) {
      samples.writeBigInt64LE(t, sample * sampleBytes);
      samples.writeBigUInt64LE(bits, sample * sampleBytes + 8);
      sample += 1;
    }
  }
  const groups = Buffer.alloc(groupBytes);
  groups.writeUInt32LE(rows.length, 12);
  return {
    body: Buffer.concat(labels),
    rows: table,
    rowCount: rows.length,
    samples,
    sampleCount,
    groups,
    groupCount: 1,
    histogramCount: rows.reduce((sum, row) => sum + (row.histograms ?? 0), 0),
    exemplarCount: rows.reduce((sum, row) => sum + (row.exemplars ?? 0), 0),
    refusedCount: 0,
    metadataCount: 0,
    replica: 0,
  };
}

export const anyTime: ShardBounds = {
  minValid: int64Min,
  appendableMin: int64Min,
  started: true,
  timestampMax: int64Max,
};

let nextRef = 1n;

/** Appends rows of one slice, and gives the host its say at each host row. */
export function appendRows(
  shard: Shard,
  rows: readonly DrivenRow[],
  bounds: ShardBounds = anyTime,
  {
    create = true,
    onHostRow = () => undefined,
  }: { create?: boolean; onHostRow?: (row: number, series: SeriesAddress) => void } = {},
): ShardAppend {
  const group = sliceGroup(batchOf(rows), 0);
  const takesLate = bounds.outOfOrderMin !== undefined || (bounds.outOfOrderWindow ?? 0n) > 0n;
  if (!shard.reserve(group.need, create, takesLate)) throw new Error('no room');
  const [slice] = group.slices();
  shard.beginAppend(slice!, slice!.rows, bounds, create, nextRef);
  for (let row = shard.runAppend(0); row < rows.length; row = shard.runAppend(row + 1)) {
    onHostRow(row, shard.hostRow(row).series);
  }
  const result = shard.endAppend();
  nextRef = result.nextRef;
  return result;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes;
}

function signed(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

/** WAL record 1. */
export function seriesRecord(...entries: readonly (readonly [ref: bigint, name: string])[]): Buffer {
  const encoded = entries.flatMap(([ref, name]) => {
    const value = Buffer.from(name);
    return [u64(ref), Buffer.of(1, 1, 0x6e, value.length), value];
  });
  return Buffer.concat([Buffer.of(1), ...encoded]);
}

/** WAL record 2. */
export function samplesRecord(...samples: readonly (readonly [ref: bigint, t: bigint, bits: bigint])[]): Buffer {
  const [firstRef, firstTime] = samples[0]!;
  const encoded = samples.flatMap(([ref, t, bits]) => [signed(ref - firstRef), signed(t - firstTime), u64(bits)]);
  return Buffer.concat([Buffer.of(2), u64(firstRef), u64(firstTime), ...encoded]);
}

export function replaySeries(shard: Shard, record: Uint8Array, create = true) {
  const [slice] = shard.checkRecord(record)!;
  if (!shard.reserveSeries(slice!, create)) throw new Error('no room');
  return shard.replaySeries(record, slice!, new Uint8Array(slice!.count), create);
}

export function replaySamples(shard: Shard, record: Uint8Array): ShardReplay {
  const [slice] = shard.checkRecord(record)!;
  return shard.replaySamples(record, slice!, int64Min);
}

/** Takes a snapshot; chunks that the host holds are left out. */
export function takeSnapshot(shard: Shard, min = int64Min, max = int64Max): ShardSnapshotDescription {
  shard.beginSnapshot(min, max);
  while (shard.stepSnapshot(64).more);
  return shard.snapshotDescription();
}

export function readSnapshot(description: ShardSnapshotDescription): ShardSeries[] {
  const reader = openShardSnapshot(description);
  while (reader.prepare(16));
  const all: ShardSeries[] = [];
  for (let series = reader.next(); series !== undefined; series = reader.next()) all.push(series);
  return all;
}

/** What a shard holds, by series: for each chunk its times and samples, and the file if it is in one. */
export function contents(shard: Shard): Record<string, string[]> {
  const all = readSnapshot(takeSnapshot(shard)).map(({ labels, chunks }): [string, string[]] => [
    Buffer.from(labels.subarray(7)).toString(),
    chunks.map(({ minTime, maxTime, sampleCount, encoding, stored }) => {
      const place = stored === undefined ? '' : ` in ${stored.file}:${stored.offset}+${stored.dataLength}`;
      return `${minTime}-${maxTime} ${sampleCount} of ${encoding}${place}`;
    }),
  ]);
  shard.endSnapshot();
  return Object.fromEntries(all);
}
