import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseBlockMeta } from '@gauntlet/block';
import { type ChunkSample, decodeChunk } from '@gauntlet/chunk';
import { canonicalLabels, compareCanonicalLabels, labelsOf, labelsOfCanonical } from '@gauntlet/model';
import { createOverlay, type Selection } from '@gauntlet/select';
import { collect, stillPace } from '@gauntlet/select/testing';
import { nodeVfs } from '@gauntlet/vfs';
import { openBlockFiles } from './block-files.js';
import { type BlockReader, openBlockReader } from './block-reader.js';

const testdata = join(__dirname, '../testdata');
const blocks = readdirSync(testdata);

interface RecordedSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly (readonly [string, string | { readonly count: string; readonly sum: string }])[];
}

function recordedOf(name: string): RecordedSeries[] {
  const text = gunzipSync(readFileSync(join(testdata, name, 'samples.jsonl.gz'))).toString();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RecordedSeries);
}

async function opened(name: string): Promise<BlockReader> {
  const dir = join(
    testdata,
    name,
    readdirSync(join(testdata, name)).find((entry) => entry.length === 26)!,
  );
  const meta = parseBlockMeta(readFileSync(join(dir, 'meta.json'), 'utf8'));
  return openBlockReader(await openBlockFiles(nodeVfs, dir), meta);
}

const everything: Selection = {
  matchers: [],
  minTimeMs: -Infinity,
  maxTimeMs: Infinity,
  limit: 0,
  pace: stillPace,
  overlay: createOverlay([], []),
  skipChunks: false,
};

const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

/** Time and value, of histograms what tells them apart: their layouts may grow when they are encoded anew. */
function textOf(sample: ChunkSample): string {
  const value = 'bits' in sample ? hex(sample.bits) : `${hex(sample.histogram.sumBits)} of ${sample.histogram.kind}`;
  return `${sample.timestampMs} ${value}`;
}

function textOfRecorded([timestampMs, value]: RecordedSeries['samples'][number]): string {
  const { kind = '', sum = '' } = value as { readonly kind?: string; readonly sum?: string };
  return `${timestampMs} ${typeof value === 'string' ? value : `${sum} of ${kind === 'int' ? 'integer' : kind}`}`;
}

test.each(blocks)(
  'the series of recorded block %s come as they were recorded, in encodings that can be sent',
  async (name) => {
    const block = await opened(name);
    const found = await collect(await block.select(everything, { windowBytes: 20_000, sortBytes: 0 }));
    const read = found.map(({ labels, chunks }) => {
      expect(chunks.every(({ encoding }) => encoding >= 1 && encoding <= 3)).toBe(true);
      const samples = chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data));
      expect(samples.length).toBeGreaterThan(0);
      return {
        labels: labelsOfCanonical(labels).map((one) => [one.name, one.value]),
        samples: samples.map(textOf).join(),
      };
    });
    expect(read).toEqual(
      recordedOf(name).map(({ labels, samples }) => ({ labels, samples: samples.map(textOfRecorded).join() })),
    );
    await block.close();
  },
);

test.each(blocks)('times of chunks in recorded block %s are those of their samples', async (name) => {
  const block = await opened(name);
  for (const { chunks } of await collect(await block.select(everything)))
    for (const { encoding, data, minTimeMs, maxTimeMs } of chunks) {
      const samples = decodeChunk(encoding, data);
      expect([minTimeMs, maxTimeMs]).toEqual([Number(samples[0]!.timestampMs), Number(samples.at(-1)!.timestampMs)]);
    }
  await block.close();
});

test.each(blocks)('recorded block %s can be put in another order', async (name) => {
  const block = await opened(name);
  const [hidden = ''] = await block.labelNames(everything);
  const overlay = createOverlay(labelsOf({ monitor: 'm', zone: 'z' }), [hidden]);
  const selection = { ...everything, skipChunks: true };
  const expected = (await collect(await block.select(selection))).map(({ labels }) => overlay.apply(labels).slice());
  expected.sort(compareCanonicalLabels);
  for (const sortBytes of [5_000, 1_000_000]) {
    const found = await collect(await block.select({ ...selection, overlay }, { windowBytes: 20_000, sortBytes }));
    expect(found.map(({ labels }) => Buffer.from(labels))).toEqual(expected.map((labels) => Buffer.from(labels)));
  }
  expect(Buffer.from(canonicalLabels(labelsOfCanonical(expected[0]!)))).toEqual(Buffer.from(expected[0]!));
  await block.close();
});
