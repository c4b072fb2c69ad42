import { join } from 'node:path';
import { openIndex, readChunk, MemorySource } from '@gauntlet/block';
import { CounterReset, encodeChunks } from '@gauntlet/chunk';
import { Reporter } from './finding.js';
import { verifySamples } from './verify-samples.js';
import { type Finding, verifyBlockDirectory } from './index.js';
import { blockDirs, inMemory, recordings, seal, writeFile } from './testing/example-block.js';

const [dir] = blockDirs(join(recordings.block, 'blocks')).filter((path) => path.includes('/histograms/'));
/** The recorded block of histograms with its first chunks of that kind changed by `change`, which says whether it was one. */
async function findingsAfter(change: (encoding: number, data: Uint8Array) => boolean): Promise<Finding[]> {
  const vfs = await inMemory(dir!, '/01M7YK4CPJ59VEYKZ91VM3VCAP');
  const [path] = ['/01M7YK4CPJ59VEYKZ91VM3VCAP/chunks/000001'];
  const bytes = Buffer.from(await vfs.readFile(path!));
  const index = await openIndex(new MemorySource('index', await vfs.readFile('/01M7YK4CPJ59VEYKZ91VM3VCAP/index')));
  for await (const { chunks } of index.allSeries()) {
    for (const { ref } of chunks) {
      const { encoding, data } = await readChunk([new MemorySource('chunks/000001', bytes)], ref);
      const view = bytes.subarray(data.byteOffset - bytes.byteOffset, data.byteOffset - bytes.byteOffset + data.length);
      if (change(encoding, view)) seal(bytes, data.byteOffset - bytes.byteOffset - 1, data.length + 1);
    }
  }
  await writeFile(vfs, path!, bytes);
  const findings: Finding[] = [];
  await verifyBlockDirectory(vfs, '/01M7YK4CPJ59VEYKZ91VM3VCAP', (finding) => findings.push(finding));
  return findings.filter(({ severity }) => severity !== 'info');
}

test('the recorded histograms break no rule', async () => {
  expect(await findingsAfter(() => false)).toEqual([]);
});

test('a counter that decreases within a chunk is reported, and a gauge is not', () => {
  const sample = (timestampMs: bigint, count: bigint) => ({
    timestampMs,
    histogram: {
      kind: 'integer' as const,
      schema: 0,
      zeroThreshold: 0,
      zeroCount: 0n,
      negativeSpans: [],
      customBounds: new Float64Array(),
      hint: CounterReset.gauge,
      sumBits: 0n,
      count,
      positiveSpans: [{ offset: 0, length: 1 }],
      positive: BigInt64Array.of(count),
      negative: new BigInt64Array(),
    },
  });
  const [chunk] = encodeChunks([sample(1n, 5n), sample(2n, 3n)]);
  const found: string[] = [];
  const report = new Reporter(({ severity, invariant, found: text }) => found.push(`${severity}${invariant} ${text}`));
  const context = { report, place: 'chunks/000001', what: 'of series 1' };
  verifySamples(chunk!, chunk!, context);
  expect(found).toEqual([]);
  chunk!.data[2] = chunk!.data[2]! & 0x3f; // No longer a gauge.
  verifySamples(chunk!, chunk!, context);
  expect(found).toEqual(['E17 sample 1 of series 1: its count falls from 5 to 3']);
});

test('a histogram of an unknown schema is reported', async () => {
  let left = 1;
  const findings = await findingsAfter((encoding, data) => {
    // Behind the header: a zero threshold in one byte, then the schema, here of 12 bits.
    if (encoding !== 2 || data[3] === 0xff || left === 0) return false;
    left -= 1;
    data.set([0b11110_011, 0b11101000, 0b0], 4);
    return true;
  });
  expect(findings.map(({ severity, invariant }) => `${severity}${invariant}`)).toEqual(['E17']);
});
