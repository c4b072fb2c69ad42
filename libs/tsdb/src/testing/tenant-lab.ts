import { chunkDecoder } from '@gauntlet/chunk';
import { MemorySource, openIndex, readChunk } from '@gauntlet/block';
import { createIntake, type ScannedBatch } from '@gauntlet/kernel';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import type { Vfs } from '@gauntlet/vfs';
import type { Tsdb } from '../tsdb.js';

const intake = createIntake({ messageBytesMax: 1 << 24 });

/** A sample of a test: its series by name, its time and its value. */
export type LabSample = readonly [series: string, timestampMs: number, value: number];

/** Scans a request with these samples, as the write service does. The batch is valid until the next call. */
export function batchOf(samples: readonly LabSample[]): ScannedBatch {
  const timeseries = samples.map(([series, timestampMs, value]) => ({
    labels: [['__name__', series] as const, ['job', 'lab'] as const],
    samples: [{ timestampMs, value }],
  }));
  // Field 1 is the same in both kinds of write request; field 2 is the tenant.
  const message = Buffer.concat([encodeWriteRequest({ timeseries }), Buffer.from([0x12, 1, 0x74])]);
  return intake.scan(message, 'identity', { kind: 'thanos', routeHashes: false });
}

/** All samples that the blocks of a directory hold, as `series timestamp value`, sorted. */
export async function samplesInBlocks(vfs: Vfs, dir: string, { blocks }: Pick<Tsdb, 'blocks'>): Promise<string[]> {
  const found: string[] = [];
  for (const { ulid, minTime, maxTime } of blocks) {
    const read = async (file: string): Promise<MemorySource> =>
      new MemorySource(file, await vfs.readFile(`${dir}/${ulid}/${file}`));
    const index = await openIndex(await read('index'));
    const segments = await Promise.all(
      (await vfs.readDir(`${dir}/${ulid}/chunks`)).map(({ name }) => read(`chunks/${name}`)),
    );
    for await (const series of index.allSeries()) {
      const name = series.labels.find((label) => label.name === '__name__')!.value;
      for (const { ref } of series.chunks) {
        const { encoding, data } = await readChunk(segments, ref);
        for (const sample of chunkDecoder(encoding)(data)) {
          const timestampMs = Number(sample.timestampMs);
          expect(timestampMs >= minTime && timestampMs < maxTime).toBe(true);
          found.push(`${name} ${timestampMs} ${valueOf(sample.bits)}`);
        }
      }
    }
  }
  return found.sort();
}

function valueOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
