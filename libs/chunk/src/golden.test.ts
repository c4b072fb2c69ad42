import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CounterReset,
  HistogramChunk,
  chunkSampleCount,
  decodeChunk,
  type ChunkSample,
  type Histogram,
} from './index.js';

type Bits = string;
interface RecordedHistogram {
  readonly kind: 'int' | 'float';
  readonly hint: keyof typeof CounterReset;
  readonly schema: number;
  readonly zeroThreshold: Bits;
  readonly sum: Bits;
  readonly count: string;
  readonly zeroCount: string;
  readonly posSpans: readonly (readonly [number, number])[];
  readonly negSpans: readonly (readonly [number, number])[];
  readonly pos: readonly string[];
  readonly neg: readonly string[];
  readonly custom?: readonly Bits[];
}
type RecordedSample = readonly [string, RecordedHistogram | Bits, string?];
interface Appends {
  readonly name: string;
  readonly encoding: number;
  readonly input: readonly RecordedSample[];
  readonly cutBefore: readonly number[];
  readonly outcomes: readonly string[];
  readonly chunks: readonly { readonly bytes: string; readonly samples: readonly RecordedSample[] }[];
}

const linesOf = <T>(name: string): T[] =>
  readFileSync(join(__dirname, '../testdata', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

const floatsOf = (bits: readonly Bits[]): Float64Array =>
  new Float64Array(BigUint64Array.from(bits, (hex) => BigInt(`0x${hex}`)).buffer);
const floatOf = (bits: Bits): number => floatsOf([bits])[0]!;
const spansOf = (spans: readonly (readonly [number, number])[]) =>
  spans.map(([offset, length]) => ({ offset, length }));

function histogramOf(recorded: RecordedHistogram): Histogram {
  const { kind, hint, schema, zeroThreshold, sum, count, zeroCount, posSpans, negSpans, pos, neg, custom } = recorded;
  const shared = {
    hint: CounterReset[hint],
    schema,
    zeroThreshold: floatOf(zeroThreshold),
    sumBits: BigInt(`0x${sum}`),
    positiveSpans: spansOf(posSpans),
    negativeSpans: spansOf(negSpans),
    customBounds: floatsOf(custom ?? []),
  };
  if (kind === 'float') {
    return {
      ...shared,
      kind,
      count: floatOf(count),
      zeroCount: floatOf(zeroCount),
      positive: floatsOf(pos),
      negative: floatsOf(neg),
    };
  }
  return {
    ...shared,
    kind: 'integer',
    count: BigInt(count),
    zeroCount: BigInt(zeroCount),
    positive: BigInt64Array.from(pos, BigInt),
    negative: BigInt64Array.from(neg, BigInt),
  };
}

function sampleOf([t, value, start]: RecordedSample): ChunkSample {
  const timed = { timestampMs: BigInt(t), ...(start === undefined ? {} : { startMs: BigInt(start) }) };
  return typeof value === 'string'
    ? { ...timed, bits: BigInt(`0x${value}`) }
    : { ...timed, histogram: histogramOf(value) };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const written = [...linesOf<Appends>('histogram.jsonl'), ...linesOf<Appends>('floathistogram.jsonl')];
const readOnly = [...linesOf<Appends>('histogram-st.jsonl'), ...linesOf<Appends>('floathistogram-st.jsonl')];

test.each(written)(
  'appending recorded $name (encoding $encoding) gives the recorded outcomes and bytes',
  (recorded) => {
    const chunks: HistogramChunk[] = [];
    const outcomes = recorded.input.map((sample, i) => {
      const { timestampMs, histogram } = sampleOf(sample) as Extract<ChunkSample, { histogram: Histogram }>;
      const open = chunks.at(-1);
      if (open === undefined) {
        chunks.push(HistogramChunk.begin(timestampMs, histogram));
        return 'first';
      }
      if (recorded.cutBefore.includes(i)) {
        chunks.push(open.cut(timestampMs, histogram));
        return 'cut-by-caller';
      }
      const taken = open.append(timestampMs, histogram);
      if (taken.outcome === 'new-chunk') chunks.push(taken.next);
      return taken.outcome;
    });
    expect(outcomes).toEqual(recorded.outcomes);
    expect(chunks.map((chunk) => hex(chunk.bytes()))).toEqual(
      recorded.chunks.map(({ bytes }) => Buffer.from(bytes, 'base64').toString('hex')),
    );
    expect(chunks.map(({ encoding }) => encoding)).toEqual(recorded.chunks.map(() => recorded.encoding));
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual(chunks.map((chunk) => chunk.bytes().length));
    expect(chunks.map(({ minTimeMs, maxTimeMs, sampleCount }) => ({ minTimeMs, maxTimeMs, sampleCount }))).toEqual(
      recorded.chunks.map(({ samples }) => ({
        minTimeMs: BigInt(samples[0]![0]),
        maxTimeMs: BigInt(samples.at(-1)![0]),
        sampleCount: samples.length,
      })),
    );
  },
);

test.each([...written, ...readOnly])('recorded chunks of $name (encoding $encoding) read as recorded', (recorded) => {
  for (const { bytes, samples } of recorded.chunks) {
    const payload = Buffer.from(bytes, 'base64');
    expect(decodeChunk(recorded.encoding, payload)).toEqual(samples.map(sampleOf));
    // Bytes behind the last sample do not matter.
    expect(decodeChunk(recorded.encoding, Buffer.concat([payload, Buffer.of(0)]))).toEqual(samples.map(sampleOf));
    expect(chunkSampleCount(recorded.encoding, payload)).toBe(samples.length);
  }
});

interface Chunk {
  readonly name: string;
  readonly bytes: string;
  readonly samples: readonly RecordedSample[];
}

test.each(linesOf<Chunk>('xor2.jsonl'))('recorded XOR2 chunk $name reads as recorded', ({ bytes, samples }) => {
  const payload = Buffer.from(bytes, 'base64');
  expect(decodeChunk(4, payload)).toEqual(samples.map(sampleOf));
  expect(chunkSampleCount(4, payload)).toBe(samples.length);
});
