import { seriesMetadata } from './series-metadata.js';
import { type LabelPair } from './series-labels.js';

/** `prometheus.WriteRequest` or `io.prometheus.write.v2.Request`. */
export type RemoteWriteVersion = '1.0' | '2.0';

/** A request before it is compressed, and where the value of each sample starts in it, ascending. */
export interface BodyLayout {
  readonly bytes: Buffer;
  readonly valueOffsets: Uint32Array;
}

/** Value, one tag, timestamp: the bytes in a row that a patch replaces. */
export const variableBytes = 15;
/** From the value's first byte to the timestamp's. */
export const timestampOffset = 9;

/**
 * Lays a request out with all samples zero. This is made here and not by `@gauntlet/remote-write`, whose encoders do not tell where a value ends up, and
 * leave zeros out.
 */
export function layOut(
  version: RemoteWriteVersion,
  labels: readonly (readonly LabelPair[])[],
  samplesPerSeries: number,
): BodyLayout {
  switch (version) {
    case '1.0':
      return layOutV1(labels, samplesPerSeries);
    case '2.0':
      return layOutV2(labels, samplesPerSeries);
  }
}

function layOutV1(labels: readonly (readonly LabelPair[])[], samplesPerSeries: number): BodyLayout {
  const series = labels.map((pairs) => ({ before: Buffer.concat(pairs.map(encodeLabel)), after: noBytes }));
  return layOutSeries({ head: noBytes, tag: 0x0a, series, samplesPerSeries });
}

/** Symbols in the order in which they are first met, the empty one before all; then series, each with its metadata, as Prometheus sends them. */
function layOutV2(labels: readonly (readonly LabelPair[])[], samplesPerSeries: number): BodyLayout {
  const refs = new Map([['', 0]]);
  const refOf = (text: string): number => {
    const known = refs.get(text);
    if (known !== undefined) return known;
    refs.set(text, refs.size);
    return refs.size - 1;
  };
  const series = labels.map((pairs) => {
    const labelsRefs = pairs.flatMap(([name, value]) => [...varint(refOf(name)), ...varint(refOf(value))]);
    return {
      before: Buffer.from([0x0a, ...varint(labelsRefs.length), ...labelsRefs]),
      after: encodeMetadata(pairs, refOf),
    };
  });
  const head = Buffer.concat([...refs.keys()].map((symbol) => encodeText(0x22, symbol)));
  return layOutSeries({ head, tag: 0x2a, series, samplesPerSeries });
}

function encodeMetadata(pairs: readonly LabelPair[], refOf: (text: string) => number): Buffer {
  const { type, help } = seriesMetadata(pairs.find(([name]) => name === '__name__')?.[1] ?? '');
  const helpRef = refOf(help);
  // Zeros are left out, and so is the unit, which no metric of these has; but the message is always there.
  const fields = [...(type === 0 ? [] : [0x08, type]), ...(helpRef === 0 ? [] : [0x18, ...varint(helpRef)])];
  return Buffer.from([0x2a, fields.length, ...fields]);
}

interface SeriesLayout {
  readonly head: Buffer;
  /** Of the field that holds a series. */
  readonly tag: number;
  /** What stands before and after the samples of each. */
  readonly series: readonly { readonly before: Buffer; readonly after: Buffer }[];
  readonly samplesPerSeries: number;
}

/** A sample is field 2 of a series in both versions, and made of the same fields. */
const sampleHead = [0x12, 0x10, 0x09];
const noBytes = Buffer.alloc(0);

function layOutSeries({ head, tag, series, samplesPerSeries }: SeriesLayout): BodyLayout {
  const sampleBytes = sampleHead.length + variableBytes;
  const samplesBytes = samplesPerSeries * sampleBytes;
  const valueOffsets = new Uint32Array(series.length * samplesPerSeries);
  const parts = [head];
  let at = head.length;
  let next = 0;
  for (const { before, after } of series) {
    const prefix = Buffer.from([tag, ...varint(before.length + samplesBytes + after.length)]);
    const samples = Buffer.alloc(samplesBytes);
    at += prefix.length + before.length;
    for (let start = 0; start < samplesBytes; start += sampleBytes) {
      samples.set(sampleHead, start);
      samples[start + sampleHead.length + timestampOffset - 1] = 0x10;
      valueOffsets[next++] = at + start + sampleHead.length;
    }
    at += samplesBytes + after.length;
    parts.push(prefix, before, samples, after);
  }
  return { bytes: Buffer.concat(parts), valueOffsets };
}

function encodeLabel([name, value]: LabelPair): Buffer {
  const inner = Buffer.concat([encodeText(0x0a, name), encodeText(0x12, value)]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
}

function encodeText(tag: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes]);
}

export function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}
