import { ChunkCorruptError, ChunkEncoding, ChunkEncodingError } from './encoding.js';
import type { ChunkSample } from './histogram.js';
import { decodeHistogramChunk } from './histogram-decoder.js';
import { decodeXor } from './xor.js';
import { decodeXor2 } from './xor2.js';

/**
 * The samples of one chunk payload, in order. Bytes behind the declared number of samples are ignored.
 * @throws ChunkEncodingError for an encoding that has no decoder
 * @throws ChunkCorruptError when the payload is not what its encoding says
 */
export function decodeChunk(encoding: number, data: Uint8Array): ChunkSample[] {
  switch (encoding) {
    case ChunkEncoding.xor:
      return decodeXor(data);
    case ChunkEncoding.histogram:
      return decodeHistogramChunk(data, { kind: 'integer', hasStartTimes: false });
    case ChunkEncoding.floatHistogram:
      return decodeHistogramChunk(data, { kind: 'float', hasStartTimes: false });
    case ChunkEncoding.xor2:
      return decodeXor2(data);
    case ChunkEncoding.histogramStart:
      return decodeHistogramChunk(data, { kind: 'integer', hasStartTimes: true });
    case ChunkEncoding.floatHistogramStart:
      return decodeHistogramChunk(data, { kind: 'float', hasStartTimes: true });
    default:
      throw new ChunkEncodingError(encoding);
  }
}

/** How many samples a payload says it has, without reading them. */
export function chunkSampleCount(encoding: number, data: Uint8Array): number {
  if (!(encoding >= ChunkEncoding.xor && encoding <= ChunkEncoding.floatHistogramStart)) {
    throw new ChunkEncodingError(encoding);
  }
  const [high, low] = data;
  if (high === undefined || low === undefined) {
    throw new ChunkCorruptError(`${data.length} bytes hold no sample count`, data.length);
  }
  const count = (high << 8) | low;
  return encoding >= ChunkEncoding.histogramStart ? count & 0x3fff : count;
}
