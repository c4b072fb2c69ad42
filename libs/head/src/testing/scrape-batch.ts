import { groupBytes, rowBytes, sampleBytes, xxh64Twin, type ScannedBatch } from '@gauntlet/kernel';

/** When the first scrape was. */
export const scrapeStart = 1_700_006_400_000;

const fixed = [
  '__name__',
  'cluster',
  'container',
  'endpoint',
  'environment',
  'instance',
  'job',
  'namespace',
  'node',
  'pod',
  'region',
  'service',
  'team',
  'zone',
];

function field(tag: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(tag, text.length), Buffer.from(text)]);
}

/** A batch of the same shape for all series numbers from `first`; samples are filled in for each scrape. */
export function scrapeBatch(first: number, count: number, labelPadding = 20): ScannedBatch {
  const rows = Buffer.alloc(count * rowBytes);
  const bodies: Buffer[] = [];
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const n = first + i;
    const labels = fixed.map((name, l): [string, string] => {
      if (l === 0) return [name, `http_requests_metric_${String(n % 500)}`];
      if (l === 5) return [name, `10.0.${String((n >> 8) & 255)}.${String(n & 255)}:9100`];
      if (l === 9) return [name, `pod-${String(n).padStart(10, '0')}`];
      return [name, `${name}-value`.padEnd(labelPadding, 'x')];
    });
    const canonical = Buffer.concat(
      labels.map(([name, value]) => {
        const inner = Buffer.concat([field(0x0a, name), field(0x12, value)]);
        return Buffer.concat([Buffer.of(0x0a, inner.length), inner]);
      }),
    );
    // Any spread-out number does for a hash, as long as the labels are unique.
    rows.writeBigUInt64LE(xxh64Twin(Buffer.from(String(n))), i * rowBytes);
    rows.writeUInt32LE(at, i * rowBytes + 16);
    rows.writeUInt32LE(canonical.length, i * rowBytes + 20);
    rows.writeUInt32LE(i, i * rowBytes + 24);
    rows.writeUInt32LE(1, i * rowBytes + 28);
    rows.writeUInt32LE(labels.length, i * rowBytes + 52);
    bodies.push(canonical);
    at += canonical.length;
  }
  const groups = Buffer.alloc(groupBytes);
  groups.writeUInt32LE(count, 12);
  return {
    body: Buffer.concat(bodies),
    rows,
    rowCount: count,
    samples: Buffer.alloc(count * sampleBytes),
    sampleCount: count,
    groups,
    groupCount: 1,
    histogramCount: 0,
    exemplarCount: 0,
    refusedCount: 0,
    metadataCount: 0,
    replica: 0,
  };
}

/** Fills in the samples of a scrape. */
export function fillScrape(batch: ScannedBatch, scrape: number, batchIndex: number): void {
  const view = new DataView(batch.samples.buffer, batch.samples.byteOffset, batch.samples.byteLength);
  for (let i = 0; i < batch.sampleCount; i += 1) {
    view.setBigInt64(i * sampleBytes, BigInt(scrapeStart + scrape * 15_000 + ((batchIndex * 7) % 15) * 100), true);
    // A third constant, a third counters, a third with noise.
    const value = i % 3 === 0 ? 42 : i % 3 === 1 ? scrape * (i % 17) : Math.random() * 100;
    view.setFloat64(i * sampleBytes + 8, value, true);
  }
}
