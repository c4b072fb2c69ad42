import { OperationalError, invariant } from '@gauntlet/base';
import type { ScannedBatch } from './batch.js';
import { groupBytes, rowBytes, sampleBytes } from './batch.js';
import { shardWasmBase64 } from './generated/shard.js';
import { instantiate, type KernelExports } from './wasm.js';

/** The instance cannot take a request: its memory, or the machine's, is used up. Nothing was changed. */
export class ShardFullError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'HEAD_SHARD_FULL';
  constructor(bytes: number) {
    super(`Cannot take request into shard: memory cannot grow beyond ${bytes} bytes`);
  }
}

interface ShardExports extends KernelExports {
  open(chunkRangeMs: bigint, samplesPerChunk: number): number;
  request(bytes: number): number;
  reserve(requestBytes: number, rows: number, samples: number): number;
  append(
    body: number, rows: number, rowCount: number, samples: number, sampleCount: number, labelBytes: number,
    create: number, minValid: bigint, appendableMin: bigint, started: number, timestampMax: bigint, ref: bigint,
  ): void;
  checkSeries(record: number, length: number): number;
  replaySeries(record: number, length: number, done: number, create: number): void;
  checkSamples(record: number, length: number): number;
  replaySamples(record: number, length: number, minValid: bigint): void;
  replayEnd(): void;
  refs(): void;
  cursorOpen(min: bigint, max: bigint): void;
  cursorStep(steps: number): number;
  cursorTotal(): number;
  cursorNext(): number;
  cursorAgain(): number;
  cursorClose(): void;
  truncateBegin(min: bigint): void;
  truncateStep(steps: number): number;
  series(): number;
  chunks(): number;
  used(): number;
}

/** One group of a batch, cut out for copying: offsets in the rows still count from the start of the whole body and samples. */
export interface BatchSlice {
  readonly rows: Uint8Array;
  readonly rowCount: number;
  readonly body: Uint8Array;
  readonly bodyStart: number;
  readonly samples: Uint8Array;
  readonly firstSample: number;
}

/** Cuts one tenant's group out of a batch. */
export function sliceBatch(batch: ScannedBatch, group: number): BatchSlice {
  const groups = new DataView(batch.groups.buffer, batch.groups.byteOffset, batch.groups.byteLength);
  const firstRow = groups.getUint32(group * groupBytes + 8, true);
  const rowCount = groups.getUint32(group * groupBytes + 12, true);
  const rows = batch.rows.subarray(firstRow * rowBytes, (firstRow + rowCount) * rowBytes);
  if (batch.groupCount === 1) {
    const samples = batch.samples.subarray(0, batch.sampleCount * sampleBytes);
    return { rows, rowCount, body: batch.body, bodyStart: 0, samples, firstSample: 0 };
  }
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let bodyStart = batch.body.length;
  let bodyEnd = 0;
  let firstSample = batch.sampleCount;
  let sampleEnd = 0;
  for (let at = 0; at < rows.length; at += rowBytes) {
    const labels = view.getUint32(at + 16, true);
    bodyStart = Math.min(bodyStart, labels);
    bodyEnd = Math.max(bodyEnd, labels + view.getUint32(at + 20, true));
    const first = view.getUint32(at + 24, true);
    const count = view.getUint32(at + 28, true);
    if (count === 0) continue;
    firstSample = Math.min(firstSample, first);
    sampleEnd = Math.max(sampleEnd, first + count);
  }
  bodyStart = Math.min(bodyStart, bodyEnd);
  firstSample = Math.min(firstSample, sampleEnd);
  return {
    rows,
    rowCount,
    body: batch.body.subarray(bodyStart, bodyEnd),
    bodyStart,
    samples: batch.samples.subarray(firstSample * sampleBytes, sampleEnd * sampleBytes),
    firstSample,
  };
}

/** What an append judges by; timestamps are int64. */
export interface ShardBounds {
  readonly minValid: bigint;
  /** Captured when the head's append began. */
  readonly appendableMin: bigint;
  /** Whether the head has data. If not, the first sample within the bounds settles appendableMin. */
  readonly started: boolean;
  readonly timestampMax: bigint;
}

/** Counts in the order: out of bounds, out of order, duplicate, empty label, duplicate label, unsorted label, unsupported. */
export type ShardRejections = readonly [number, number, number, number, number, number, number];

export interface ShardAppend {
  /** Bounds of what was stored; min > max when nothing was. */
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly nextRef: bigint;
  readonly appendableMin: bigint;
  readonly started: boolean;
  /** Timestamp of the sample that started the head, when this call saw it. */
  readonly firstTime: bigint;
  readonly appended: number;
  readonly created: number;
  readonly rejections: ShardRejections;
  /** Rows whose series this shard does not hold, left out because `create` was not set. */
  readonly rowsLeft: number;
  /** The rows as they are now, those dealt with marked: what the next shard is to be given. */
  readonly rows: Uint8Array;
  /** WAL records; empty when there is nothing to log. */
  readonly seriesRecord: Uint8Array;
  readonly samplesRecord: Uint8Array;
}

export interface ShardReplay {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly stored: number;
  readonly dropped: number;
  /** Samples of refs that this shard knows. */
  readonly known: number;
}

/** One chunk as the cursor sees it. */
export interface ShardChunk {
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly sampleCount: number;
  readonly data: Uint8Array;
}

export interface ShardSeries {
  readonly ref: bigint;
  readonly labels: Uint8Array;
  readonly chunks: ShardChunk[];
}

const nothing = new Uint8Array(0);
/** Offsets of the control block are listed in assembly/shard-control.ts. */
const rejectionsOffset = 56;

/**
 * One WebAssembly instance with some of a tenant's series. It knows no other shard: its head passes refs and bounds in, and
 * asks each shard in turn for the rows that the others do not know. Views that a call returns are valid until the next call.
 */
export class Shard {
  readonly #exports: ShardExports;
  readonly #control: number;
  #buffer: ArrayBuffer | undefined;
  #bytes: Uint8Array = nothing;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(options: { readonly chunkRangeMs: number; readonly samplesPerChunk: number }) {
    this.#exports = instantiate<ShardExports>(shardWasmBase64);
    this.#control = this.#exports.open(BigInt(options.chunkRangeMs), options.samplesPerChunk) >>> 0;
  }

  get seriesCount(): number {
    return this.#exports.series() >>> 0;
  }

  get chunkCount(): number {
    return this.#exports.chunks() >>> 0;
  }

  /** Linear memory taken from the host; it never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** The part of it that is in use. */
  get usedBytes(): number {
    return this.#exports.used() >>> 0;
  }

  /**
   * @param rows those of the slice, or what the shard asked before has returned
   * @throws ShardFullError before anything is changed
   */
  append(slice: BatchSlice, rows: Uint8Array, bounds: ShardBounds, create: boolean, nextRef: bigint): ShardAppend {
    const { body, samples, rowCount } = slice;
    const sampleCount = samples.length / sampleBytes;
    const rowsOffset = (body.length + 15) & ~15;
    const samplesOffset = rowsOffset + ((rows.length + 15) & ~15);
    const total = samplesOffset + samples.length;
    this.#reserve(total, rowCount, sampleCount);
    const base = this.#exports.request(total) >>> 0;
    const bytes = this.#memory();
    bytes.set(body, base);
    bytes.set(rows, base + rowsOffset);
    bytes.set(samples, base + samplesOffset);
    // Offsets in rows count from the whole body: the address it would have is passed, which may wrap around.
    this.#exports.append(
      (base - slice.bodyStart) | 0, (base + rowsOffset) | 0, rowCount,
      (base + samplesOffset - slice.firstSample * sampleBytes) | 0, sampleCount, body.length,
      create ? 1 : 0, bounds.minValid, bounds.appendableMin, bounds.started ? 1 : 0, bounds.timestampMax, nextRef,
    );
    const after = this.#memory();
    const u32 = (offset: number) => this.#u32(offset);
    return {
      minTime: this.#i64(0),
      maxTime: this.#i64(8),
      nextRef: this.#i64(16),
      appendableMin: this.#i64(24),
      started: u32(32) === 1,
      firstTime: this.#i64(40),
      appended: u32(48),
      created: u32(52),
      rejections: [0, 4, 8, 12, 16, 20, 24].map((offset) => u32(rejectionsOffset + offset)) as unknown as ShardRejections,
      rowsLeft: u32(84),
      rows: after.subarray(base + rowsOffset, base + rowsOffset + rows.length),
      seriesRecord: after.subarray(u32(88), u32(88) + u32(92)),
      samplesRecord: after.subarray(u32(96), u32(96) + u32(100)),
    };
  }

  /** Number of entries or samples of a record of id 1 or 2; -1 when it does not decode. */
  checkRecord(record: Uint8Array): number {
    const at = this.#put(record);
    const whole = record[0] === 1 ? this.#exports.checkSeries(at, record.length) : this.#exports.checkSamples(at, record.length);
    this.#memory();
    return whole ? this.#u32(84) : -1;
  }

  /** Applies the entries of a checked series record whose byte in `done` is 0, and sets those it has dealt with. */
  replaySeries(record: Uint8Array, done: Uint8Array, create: boolean): { readonly applied: number; readonly maxRef: bigint } {
    const at = this.#put(record, done, create ? done.length : 0);
    const flags = at + record.length;
    this.#exports.replaySeries(at | 0, record.length, flags | 0, create ? 1 : 0);
    done.set(this.#memory().subarray(flags, flags + done.length));
    return { applied: this.#u32(112), maxRef: this.#i64(16) };
  }

  /** Applies the samples of a checked record whose refs this shard knows. */
  replaySamples(record: Uint8Array, minValid: bigint): ShardReplay {
    const at = this.#put(record);
    this.#exports.replaySamples(at | 0, record.length, minValid);
    this.#memory();
    return { minTime: this.#i64(0), maxTime: this.#i64(8), stored: this.#u32(48), dropped: this.#u32(104), known: this.#u32(108) };
  }

  /** Forgets the refs of the WAL. Returns those that stood for a series with another ref, with the newest timestamp logged under each. */
  endReplay(): { readonly ref: bigint; readonly maxTime: bigint }[] {
    this.#exports.replayEnd();
    this.#memory();
    const list = this.#u32(116);
    return Array.from({ length: this.#u32(120) }, (_, i) => ({
      ref: this.#view.getBigUint64(list + i * 16, true),
      maxTime: this.#view.getBigInt64(list + i * 16 + 8, true),
    }));
  }

  /** Refs of all series, in no order. */
  refs(): BigUint64Array {
    this.#reserve(this.seriesCount * 8, 0, 0);
    this.#exports.refs();
    return new BigUint64Array(this.#memory().buffer, this.#u32(116), this.#u32(120));
  }

  openCursor(min: bigint, max: bigint): void {
    const slots = Math.ceil(this.seriesCount * 2.5) + 4096;
    if (!this.#exports.reserve(slots * 4, 0, 0)) throw new ShardFullError(this.memoryBytes);
    this.#exports.cursorOpen(min, max);
  }

  /** Works on about `steps` series; whether there is more to do before nextSeries. */
  stepCursor(steps: number): boolean {
    return this.#exports.cursorStep(steps) !== 0;
  }

  get cursorSeriesCount(): number {
    return this.#exports.cursorTotal() >>> 0;
  }

  nextSeries(): ShardSeries | undefined {
    return this.#exports.cursorNext() ? this.#described() : undefined;
  }

  /** Moves on too, and returns the labels alone. */
  nextLabels(): Uint8Array | undefined {
    if (!this.#exports.cursorNext()) return undefined;
    const bytes = this.#memory();
    const list = this.#u32(116);
    const labels = this.#view.getUint32(list + 8, true);
    return bytes.subarray(labels, labels + this.#view.getUint32(list + 12, true));
  }

  /** The series that the cursor has moved to last, as it is now. */
  currentSeries(): ShardSeries | undefined {
    return this.#exports.cursorAgain() ? this.#described() : undefined;
  }

  #described(): ShardSeries {
    const bytes = this.#memory();
    const view = this.#view;
    const list = this.#u32(116);
    const labels = view.getUint32(list + 8, true);
    const chunks: ShardChunk[] = [];
    const end = list + 16 + this.#u32(120) * 24;
    for (let at = list + 16; at < end; at += 24) {
      const data = view.getUint32(at + 16, true);
      chunks.push({
        minTime: view.getBigInt64(at, true),
        maxTime: view.getBigInt64(at + 8, true),
        sampleCount: view.getUint16(at + 22, true),
        data: bytes.subarray(data, data + view.getUint16(at + 20, true)),
      });
    }
    return {
      ref: view.getBigUint64(list, true),
      labels: bytes.subarray(labels, labels + view.getUint32(list + 12, true)),
      chunks,
    };
  }

  closeCursor(): void {
    this.#exports.cursorClose();
  }

  beginTruncate(min: bigint): void {
    this.#exports.truncateBegin(min);
  }

  /** Walks about `steps` series. */
  stepTruncate(steps: number): { readonly more: boolean; readonly removed: BigUint64Array; readonly oldest: bigint } {
    if (!this.#exports.reserve(steps * 8, 0, 0)) throw new ShardFullError(this.memoryBytes);
    const more = this.#exports.truncateStep(steps) !== 0;
    const bytes = this.#memory();
    const list = this.#u32(116);
    return { more, removed: new BigUint64Array(bytes.buffer, list, this.#u32(120)), oldest: this.#i64(128) };
  }

  #reserve(requestBytes: number, rows: number, samples: number): void {
    invariant(requestBytes < 2 ** 30, 'a request is smaller than 1 GiB');
    if (!this.#exports.reserve(requestBytes, rows, samples)) throw new ShardFullError(this.memoryBytes);
  }

  /** Copies a record (and its flags) into the request area. */
  #put(record: Uint8Array, flags: Uint8Array = nothing, entries = record.length / 4): number {
    this.#reserve(record.length * 8 + flags.length, entries, record.length / 4);
    const at = this.#exports.request(record.length + flags.length) >>> 0;
    const bytes = this.#memory();
    bytes.set(record, at);
    bytes.set(flags, at + record.length);
    return at;
  }

  /** The whole memory; looked up anew when it has grown, which detaches older views. */
  #memory(): Uint8Array {
    const buffer = this.#exports.memory.buffer;
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    return this.#bytes;
  }

  #u32(offset: number): number {
    return this.#view.getUint32(this.#control + offset, true);
  }

  #i64(offset: number): bigint {
    return this.#view.getBigInt64(this.#control + offset, true);
  }
}
