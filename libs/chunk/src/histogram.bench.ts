import { CounterReset, HistogramChunk, decodeChunk, type Histogram } from './index.js';

/** Histograms of 30 buckets that grow by a few observations a scrape, as those of a busy service do. */
function histogramsOf(kind: Histogram['kind'], count: number): Histogram[] {
  const counts = new Array<number>(30).fill(100);
  let seed = 1;
  return Array.from({ length: count }, (_, i) => {
    for (let n = 0; n < 20; n += 1) {
      seed = (seed * 48271) % 2147483647;
      counts[seed % 30]! += 1;
    }
    const layout = {
      hint: CounterReset.unknown,
      schema: 3,
      zeroThreshold: 2 ** -128,
      positiveSpans: [
        { offset: -10, length: 20 },
        { offset: 3, length: 10 },
      ],
      negativeSpans: [],
      customBounds: new Float64Array(0),
      sumBits: 0x40c3880000000000n + BigInt(i) * 0x123456789n,
    };
    const total = counts.reduce((sum, bucket) => sum + bucket, 0);
    if (kind === 'float') {
      return {
        kind,
        ...layout,
        count: total,
        zeroCount: 0,
        positive: Float64Array.from(counts),
        negative: new Float64Array(0),
      };
    }
    const positive = BigInt64Array.from(counts, (bucket, at) => BigInt(bucket - (at > 0 ? counts[at - 1]! : 0)));
    return { kind, ...layout, count: BigInt(total), zeroCount: 0n, positive, negative: new BigInt64Array(0) };
  });
}

function microsOf(run: () => void, samples: number): string {
  run();
  const best = Math.min(
    ...Array.from({ length: 7 }, () => {
      const startMs = performance.now();
      run();
      return performance.now() - startMs;
    }),
  );
  return ((best * 1000) / samples).toFixed(2);
}

for (const kind of ['integer', 'float'] as const) {
  const histograms = histogramsOf(kind, 60_000);
  const payloads: Uint8Array[] = [];
  const append = (): void => {
    payloads.length = 0;
    let chunk: HistogramChunk | undefined;
    for (const [i, histogram] of histograms.entries()) {
      const t = 1_700_000_000_000n + 15_000n * BigInt(i);
      if (chunk === undefined) chunk = HistogramChunk.begin(t, histogram);
      else if (chunk.decide(t, 7_200_000) === 'cut') {
        payloads.push(chunk.bytes());
        chunk = chunk.cut(t, histogram);
      } else chunk.append(t, histogram);
    }
  };
  const appendMicros = microsOf(append, histograms.length);
  const bytes = payloads.reduce((sum, { length }) => sum + length, 0) / histograms.length;
  const encoding = kind === 'integer' ? 2 : 3;
  const decodeMicros = microsOf(() => payloads.forEach((data) => decodeChunk(encoding, data)), histograms.length);
  console.log(
    `${kind}, 30 buckets: append ${appendMicros} us, decode ${decodeMicros} us, ${bytes.toFixed(1)} bytes a sample`,
  );
}
