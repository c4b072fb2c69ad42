import { staleMarkerBits } from '@gauntlet/model';
import { bitsOf } from './double-bits.js';
import { ProtobufOutput } from './protobuf-output.js';

/** A side of an exponential histogram: `counts[i]` is that of bucket `offset + i`. */
export interface Buckets {
  readonly offset: number;
  readonly counts: readonly bigint[];
}

export interface ExponentialHistogram {
  readonly timestampMs: number;
  readonly isStale: boolean;
  readonly count: bigint;
  /** 0 if the point has none. */
  readonly sumBits: bigint;
  readonly scale: number;
  readonly zeroCount: bigint;
  readonly positive: Buckets;
  readonly negative: Buckets;
}

/** Resolutions that a native histogram has. Finer ones are merged down to the finest. */
const schemaMin = -4;
const schemaMax = 8;
const int32Max = 0x7fff_ffff;

/** What a zero bucket holds, since clients do not say it. */
const zeroThresholdBits = bitsOf(1e-128);

/** Why a native histogram cannot be made of it, if so. */
export function judgeExponential({ scale, positive, negative }: ExponentialHistogram): string | undefined {
  if (scale < schemaMin) return `a scale of ${scale} is below ${schemaMin}`;
  for (const { offset, counts } of [positive, negative]) {
    if (offset + counts.length >= int32Max) return 'its buckets reach beyond 32 bits';
  }
  return undefined;
}

/** Encodes a prometheus.Histogram of integers, with no hint about resets: the ingester finds them itself. */
export function encodeNative(histogram: ExponentialHistogram): ProtobufOutput {
  const { isStale, scale } = histogram;
  const output = new ProtobufOutput();
  output.varint(1, isStale ? staleMarkerBits : histogram.count);
  const sumBits = isStale ? staleMarkerBits : histogram.sumBits;
  if (sumBits !== 0n) output.fixed64(3, sumBits);
  const schema = Math.min(scale, schemaMax);
  if (schema !== 0) output.zigzag(4, schema);
  output.fixed64(5, zeroThresholdBits);
  output.varint(6, histogram.zeroCount);
  writeBuckets(output, 8, scaleDown(histogram.negative, scale - schema));
  writeBuckets(output, 11, scaleDown(histogram.positive, scale - schema));
  if (histogram.timestampMs !== 0) output.varint(15, histogram.timestampMs);
  return output;
}

/** Merges 2^steps buckets into one. */
function scaleDown({ offset, counts }: Buckets, steps: number): Buckets {
  if (steps === 0) return { offset, counts };
  // From 31 steps on, all that is left is the bucket of what is negative and that of what is not.
  const shift = Math.min(steps, 31);
  const merged: bigint[] = [];
  const first = offset >> shift;
  counts.forEach((count, index) => {
    const at = ((offset + index) >> shift) - first;
    merged[at] = (merged[at] ?? 0n) + count;
  });
  return { offset: first, counts: merged };
}

/**
 * Writes spans, then counts as differences. Up to two empty buckets between others are counted as 0, more of them end the span.
 * OpenTelemetry's bucket 0 lies above 1, that of Prometheus below, hence the 1.
 */
function writeBuckets(output: ProtobufOutput, field: number, { offset, counts }: Buckets): void {
  if (counts.length === 0) return;
  const spans = [{ offset: offset + 1, length: 0 }];
  const written = [0n]; // The counts, after one to differ from.
  const push = (count: bigint): void => {
    spans.at(-1)!.length += 1;
    written.push(count);
  };
  let next = 0; // The first bucket that is in no span.
  counts.forEach((count, index) => {
    // The last one is written in any case, as Prometheus does: buckets that are all empty make one.
    if (count === 0n && index !== counts.length - 1) return;
    const gap = index - next;
    if (gap > 2) spans.push({ offset: gap, length: 0 });
    else for (let empty = 0; empty < gap; empty += 1) push(0n);
    push(count);
    next = index + 1;
  });
  const content = new ProtobufOutput();
  for (const span of spans) {
    content.clear();
    content.zigzag(1, span.offset);
    content.varint(2, span.length);
    output.bytes(field, content.view());
  }
  content.clear();
  for (let at = 1; at < written.length; at += 1) {
    content.packedZigzag(BigInt.asIntN(64, written[at]! - written[at - 1]!));
  }
  output.bytes(field + 1, content.view());
}
