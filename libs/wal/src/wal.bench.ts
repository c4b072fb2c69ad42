import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeVfs } from '@gauntlet/vfs';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { encodeSamples, openWal, replayWal } from './index.js';
import { LogLayout, recycle } from './log-layout.js';
import { kernelCodec } from './codec.js';

/** A record of 2,000 samples, as a write request leaves it behind: about 26 KB. */
function recordOfSamples(round: number): Uint8Array {
  let bits = 0x3ff0_0000_0000_0000n;
  return encodeSamples(
    Array.from({ length: 2000 }, (_, index) => {
      bits += 0x0000_0123_4567_89abn;
      return {
        ref: 1 + index * 7,
        timestampMs: BigInt(1_700_000_000_000 + 15_000 * round + (index % 50)),
        valueBits: bits,
      };
    }),
  );
}

const records = Array.from({ length: 16 }, (_, round) => recordOfSamples(round));
const recordBytes = records[0]?.length ?? 0;
const figure = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 1 });

function benchAppend(compress: boolean): void {
  const layout = new LogLayout({ segment: 0, segmentBytesMax: 128 * 2 ** 20, codec: kernelCodec });
  const run = (count: number): number => {
    const startMs = performance.now();
    for (let at = 0; at < count; at += 1) {
      layout.append(records[at % records.length] as Uint8Array, compress);
      if (at % 8 === 7) recycle(layout.take());
    }
    return ((performance.now() - startMs) * 1000) / count;
  };
  run(3000);
  const micros = Math.min(...Array.from({ length: 5 }, () => run(4000)));
  console.log(
    `append, ${compress ? 'snappy' : 'uncompressed'}: ${figure(micros)} us for ${recordBytes} bytes (${figure(recordBytes / micros)} MB/s)`,
  );
}

async function benchCommits(parallel: number, compress: boolean): Promise<void> {
  const root = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), 'wal-bench-'));
  const wal = await openWal(nodeVfs, `${root}/wal`, { compress });
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  let commits = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (performance.now() - startMs < 3000) {
        wal.append([records[commits % records.length] as Uint8Array]);
        await wal.commit();
        commits += 1;
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await wal.close();
  console.log(
    `${parallel} writers${compress ? ', snappy' : ''}: ${figure(commits / seconds)} commits/s, ${figure(wal.stats.syncs / seconds)} syncs/s, ` +
      `${figure((commits * recordBytes) / seconds / 1e6)} MB/s of records, ${figure((user + system) / commits)} us CPU a commit`,
  );
  await rm(root, { recursive: true });
}

async function benchReplay(compress: boolean): Promise<void> {
  const vfs = new MemoryVfs();
  const wal = await openWal(vfs, '/wal', { compress, durability: 'write' });
  for (let at = 0; at < 4000; at += 1) {
    wal.append([records[at % records.length] as Uint8Array]);
    if (at % 100 === 0) await wal.commit();
  }
  await wal.close();
  const startMs = performance.now();
  const { records: count } = await replayWal(vfs, '/wal', { onRecord: () => undefined });
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `replay${compress ? ', snappy' : ''}: ${figure((count * recordBytes) / seconds / 1e6)} MB/s of records from memory`,
  );
}

async function main(): Promise<void> {
  for (const compress of [false, true]) benchAppend(compress);
  for (const compress of [false, true]) await benchReplay(compress);
  for (const parallel of [1, 16, 64]) await benchCommits(parallel, false);
  await benchCommits(64, true);
}

void main();
