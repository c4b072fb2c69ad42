import type { ByteSink } from './byte-sink.js';
import { type ChunkSegmentOptions, ChunkSegmentWriter } from './chunk-writer.js';
import { type ChunkMeta, IndexWriter } from './index-writer.js';
import { Pace, type WriteHooks } from './pace.js';

/** A chunk on its way into a block. */
export interface BlockChunk {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** The encoding of spec/tsdb.md 1.3. */
  readonly encoding: number;
  readonly sampleCount: number;
  readonly data: Uint8Array;
}

export interface BlockSeries {
  /** Canonical protobuf: for each label 0A len 0A len name 12 len value. */
  readonly labels: Uint8Array;
  /** In time order. */
  readonly chunks: readonly BlockChunk[];
}

/** Series in strictly increasing label order, each once. Everything a series refers to need only live until the next call or await. */
export interface SeriesCursor {
  /** Undefined at the end. A promise when the series has to be read first. */
  next(): BlockSeries | undefined | Promise<BlockSeries | undefined>;
}

/** Where a block's files go. After an error, the caller disposes of what it has opened. */
export interface BlockSinks {
  openIndex(): Promise<ByteSink>;
  /** @param name file name within `chunks/`, such as `000001` */
  openSegment(name: string): Promise<ByteSink>;
}

export interface BlockStats {
  readonly numSamples: number;
  readonly numFloatSamples: number;
  readonly numHistogramSamples: number;
  readonly numSeries: number;
  readonly numChunks: number;
}

export interface WriteBlockOptions extends WriteHooks, ChunkSegmentOptions {
  /** Symbols to keep although no series uses them; the empty string by default, as in every block cut from a head. */
  readonly symbols?: readonly Uint8Array[];
}

/** Encodings whose samples are floats: XOR and XOR2. */
const floatEncodings: readonly number[] = [1, 4];
const flushBytes = 1 << 20;

/**
 * Writes the chunk segments and the index of a block in one walk over its series. Series without chunks are left out. When
 * nothing is left, no sink is opened, and the caller makes no block.
 */
export async function writeBlock(
  cursor: SeriesCursor,
  sinks: BlockSinks,
  options: WriteBlockOptions = {},
): Promise<BlockStats> {
  const { symbols = [new Uint8Array()], ...hooks } = options;
  const pace = new Pace(hooks);
  const segments = new ChunkSegmentWriter((name) => sinks.openSegment(name), options);
  const index = new IndexWriter(
    lateSink(() => sinks.openIndex()),
    hooks,
  );
  for (const symbol of symbols) index.addSymbol(symbol);

  const stats = { numSamples: 0, numFloatSamples: 0, numHistogramSamples: 0, numSeries: 0, numChunks: 0 };
  // No await between `next` and the copies: the series is a view of memory that others write.
  for (;;) {
    const next = cursor.next();
    const series = next instanceof Promise ? await next : next;
    if (series === undefined) break;
    if (series.chunks.length === 0) continue;
    index.addSeries(series.labels, addChunks(series.chunks, segments, stats));
    if (segments.bufferedBytes >= flushBytes) await segments.flush();
    if (pace.isDue(40)) await pace.rest();
  }
  if (stats.numSeries === 0) return stats;
  await segments.close();
  await index.finish();
  return stats;
}

function addChunks(
  chunks: readonly BlockChunk[],
  segments: ChunkSegmentWriter,
  stats: { -readonly [key in keyof BlockStats]: number },
): ChunkMeta[] {
  const metas: ChunkMeta[] = [];
  for (const { minTimeMs, maxTimeMs, encoding, sampleCount, data } of chunks) {
    metas.push({ ref: segments.add(encoding, data), minTimeMs, maxTimeMs });
    stats.numSamples += sampleCount;
    if (floatEncodings.includes(encoding)) stats.numFloatSamples += sampleCount;
    else stats.numHistogramSamples += sampleCount;
  }
  stats.numSeries += 1;
  stats.numChunks += metas.length;
  return metas;
}

/** Opens the file with its first byte. */
function lateSink(open: () => Promise<ByteSink>): ByteSink {
  let sink: ByteSink | undefined;
  return {
    write: async (bytes) => {
      sink ??= await open();
      await sink.write(bytes);
    },
    close: async () => sink?.close(),
  };
}
