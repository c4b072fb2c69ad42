import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHead } from './index.js';
import { layOutBatch } from './testing/lay-out-batch.js';

interface Recorded {
  readonly name: string;
  readonly samples: readonly (readonly [string, string])[];
  readonly bytes: string;
}

test('the kernel writes the recorded chunks of Prometheus byte for byte', () => {
  const recordings = readFileSync(join(__dirname, '../../chunk/testdata/xor.jsonl'), 'utf8').trim().split('\n');
  let compared = 0;
  for (const line of recordings) {
    const recorded = JSON.parse(line) as Recorded;
    // A range and a target so large that only the byte limit cuts.
    const head = createHead({ chunkRangeMs: 2 ** 52, samplesPerChunk: 30_000 });
    const samples = recorded.samples.map(([t, bits]) => ({ t: BigInt(t), bits: BigInt(`0x${bits}`) }));
    head.append(layOutBatch([{ labels: [['a', 'b']], samples }]), 0, { timestampMsMax: Infinity });
    const cursor = head.cursor(-Infinity, Infinity);
    const chunks = cursor
      .next()!
      .chunks.map(({ data, sampleCount }) => ({ bytes: Buffer.from(data!).toString('base64'), sampleCount }));
    cursor.close();
    if (chunks.length > 1) continue; // Too long, or across a range: the recording has no cut rules.
    expect({ name: recorded.name, ...chunks[0] }).toEqual({
      name: recorded.name,
      bytes: recorded.bytes,
      sampleCount: samples.length,
    });
    compared += 1;
  }
  expect(compared).toBeGreaterThan(150);
});
