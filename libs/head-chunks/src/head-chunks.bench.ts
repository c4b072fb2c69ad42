import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeVfs } from '@gauntlet/vfs';
import { loadHeadChunks, openHeadChunks, readHeadChunks, type WantedHeadChunk } from './index.js';

const chunkCount = 1_000_000;
const dataLength = 150;
const figure = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });

async function timed(name: string, act: () => Promise<void>): Promise<void> {
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  await act();
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(`${name}: ${figure(seconds)} s, ${figure((user + system) / 1e6)} CPU s`);
}

/** The same order every time, far from that of the files. */
function shuffle<T>(items: T[]): T[] {
  let state = 1;
  for (let at = items.length - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
  return items;
}

async function main(): Promise<void> {
  const root = await mkdtemp(join(process.env.BENCH_DIR ?? tmpdir(), 'head-chunks-bench-'));
  const dir = `${root}/chunks_head`;
  const data = Buffer.alloc(dataLength, 'chunk');
  const positions: WantedHeadChunk[] = [];
  const files = await openHeadChunks(nodeVfs, dir);
  await timed(`append and flush ${figure(chunkCount)} chunks of ${dataLength} bytes`, async () => {
    for (let ref = 1; ref <= chunkCount; ref += 1) {
      const chunk = { ref, minTimeMs: ref, maxTimeMs: ref + 1, encoding: 1, isOutOfOrder: false, data };
      positions.push({ position: files.append(chunk), dataLength });
      if (!files.hasRoom) await files.flush();
    }
    await files.flush();
  });
  await files.close();
  await timed('load', async () => void (await loadHeadChunks(nodeVfs, dir, { onChunk: () => undefined })));
  shuffle(positions);
  let bytes = 0;
  const count = (_index: number, { length }: Uint8Array): void => void (bytes += length);
  await timed('read all at once, in random order', () => readHeadChunks(nodeVfs, dir, positions, count));
  const batch = 20_000;
  await timed(`read in batches of ${figure(batch)}, in random order`, async () => {
    for (let from = 0; from < chunkCount; from += batch) {
      await readHeadChunks(nodeVfs, dir, positions.slice(from, from + batch), count);
    }
  });
  const single = await openHeadChunks(nodeVfs, dir);
  await timed('read 20,000 one by one', async () => {
    for (const { position } of positions.slice(0, 20_000)) bytes += (await single.read(position, dataLength)).length;
  });
  await single.close();
  console.log(`${figure(bytes)} bytes of data`);
  await rm(root, { recursive: true });
}

void main();
