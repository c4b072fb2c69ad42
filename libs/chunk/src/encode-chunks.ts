import { ChunkEncoding } from './encoding.js';
import type { ChunkSample } from './histogram.js';
import { HistogramChunk } from './histogram-chunk.js';
import { chunkBytesSoft, histogramChunkBytesAim, histogramSamplesMin, samplesPerChunkDefault } from './sizing.js';
import { XorAppender } from './xor.js';

export interface EncodedChunk {
  readonly encoding: number;
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
  readonly sampleCount: number;
  readonly data: Uint8Array;
}

export interface EncodeOptions {
  /** A chunk takes no more samples; 120 by default. */
  readonly samplesMax?: number;
  /**
   * A chunk that is longer takes no more samples, except that a histogram chunk has more than 10. Float chunks stop 19 bytes
   * earlier, which is what a sample may take. None by default.
   */
  readonly bytesMax?: number;
}

const floatSampleBytesMax = histogramChunkBytesAim - chunkBytesSoft;

/**
 * Encodes samples in the order of their times into chunks of encodings 1 to 3: for what is clipped, merged or came out of order. Start
 * times are dropped, since these encodings have none. A new chunk begins where the kind of sample changes, where a histogram cannot
 * follow the one before in a chunk, and at the limits. Headers of chunks say what the histograms of one chunk tell by themselves.
 */
export function encodeChunks(samples: readonly ChunkSample[], options: EncodeOptions = {}): EncodedChunk[] {
  const { samplesMax = samplesPerChunkDefault, bytesMax = Infinity } = options;
  const chunks: EncodedChunk[] = [];
  let floats: FloatChunk | undefined;
  let histograms: HistogramChunk | undefined;
  const end = (): void => {
    const open = floats ?? histograms;
    if (open !== undefined) chunks.push(encoded(open));
    floats = undefined;
    histograms = undefined;
  };
  for (const sample of samples) {
    const { timestampMs } = sample;
    if ('bits' in sample) {
      if (
        floats === undefined ||
        floats.sampleCount >= samplesMax ||
        floats.byteLength > bytesMax - floatSampleBytesMax
      ) {
        end();
        floats = new FloatChunk(timestampMs);
      }
      floats.append(timestampMs, sample.bits);
      continue;
    }
    const isFull =
      histograms !== undefined &&
      (histograms.sampleCount >= samplesMax ||
        (histograms.byteLength > bytesMax && histograms.sampleCount > histogramSamplesMin));
    if (histograms === undefined || isFull) {
      end();
      histograms = HistogramChunk.begin(timestampMs, sample.histogram);
      continue;
    }
    const taken = histograms.append(timestampMs, sample.histogram);
    if (taken.outcome !== 'new-chunk') continue;
    end();
    histograms = taken.next;
  }
  end();
  return chunks;
}

class FloatChunk extends XorAppender {
  readonly encoding = ChunkEncoding.xor;
  readonly minTimeMs: bigint;
  maxTimeMs: bigint;

  constructor(minTimeMs: bigint) {
    super();
    this.minTimeMs = minTimeMs;
    this.maxTimeMs = minTimeMs;
  }

  override append(timestampMs: bigint, bits: bigint): void {
    super.append(timestampMs, bits);
    this.maxTimeMs = timestampMs;
  }
}

function encoded(chunk: FloatChunk | HistogramChunk): EncodedChunk {
  const { encoding, minTimeMs, maxTimeMs, sampleCount } = chunk;
  return { encoding, minTimeMs, maxTimeMs, sampleCount, data: chunk.bytes() };
}
