import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePorts, findPeer } from '@gauntlet/base/testing';
import { BadArgument, binaryBytes, Load, prepareBodies, wholeNumber } from '@gauntlet/loadgen-tool';
import { Child } from '@gauntlet/stack-tool';
import { type BlocksArguments } from './bench-arguments.js';
import { type BenchContext } from './bench-context.js';
import { bytesBelow } from './disk-bytes.js';
import { isReady, startFleet, type Member } from './fleet.js';
import { machineText } from './machine.js';
import { markdownTable } from './markdown-table.js';
import { requestConnections, requestShape } from './request-shape.js';
import { until } from './until.js';

/** One block on disk. */
export interface BlockRow {
  readonly of: string;
  readonly series: number;
  readonly samples: number;
  readonly chunks: number;
  readonly indexBytes: number;
  readonly chunkBytes: number;
  /** With all the small files. */
  readonly blockBytes: number;
}

const rangeMs = 7_200_000;
const hourMs = 3_600_000;
const readyMsMax = 30_000;
const flushMsMax = 600_000;

/** Makes blocks of the same samples: ours by ending the ingester, Prometheus' by a snapshot of its head. */
export async function measureBlocks(args: BlocksArguments, context: BenchContext): Promise<string> {
  const { signal, inDirectory } = context;
  // The last hour of the block range before this one: in one block, and not so old that anybody would cut it before it is complete.
  const firstMs = Math.floor(Date.now() / rangeMs) * rangeMs - hourMs;
  const send = async (url: URL): Promise<void> => {
    const result = await new Load({
      url,
      headers: {},
      connections: requestConnections,
      tenants: [],
      bodies: prepareBodies({ series: args.series, ...requestShape }),
      until: { rounds: args.samplesPerSeries },
      timestampMsOf: (round) => firstMs + round * args.stepMs,
      signal,
    }).run();
    signal.throwIfAborted();
    if (result.samplesAccepted !== args.series * args.samplesPerSeries)
      throw new Error(`Cannot compare blocks: not all samples were taken, ${JSON.stringify([...result.examples])}`);
  };
  const rows = await inDirectory(async (dir) => [
    ...(await ourBlocks(send, join(dir, 'gauntlet'), context)),
    ...(await prometheusBlocks(send, join(dir, 'prometheus'), context)),
  ]);
  return blocksTable(
    rows,
    machineText(
      `${wholeNumber(args.samplesPerSeries)} samples of each series, one every ${args.stepMs / 1000} s, 14 labels.`,
    ),
  );
}

async function ourBlocks(
  send: (url: URL) => Promise<void>,
  dir: string,
  { appsDir, guard }: BenchContext,
): Promise<BlockRow[]> {
  const fleet = await startFleet({ maker: 'gauntlet', replicationFactor: 1, dir, appsDir, guard });
  try {
    await send(fleet.url);
    const ingester = fleet.ingesters[0] as Member;
    await ingester.stop({ signal: 'SIGTERM', graceMs: flushMsMax });
    return readBlocks('gauntlet', join(ingester.dataDir, 'default-tenant'));
  } finally {
    await fleet.stop();
  }
}

async function prometheusBlocks(
  send: (url: URL) => Promise<void>,
  dir: string,
  { guard, signal }: BenchContext,
): Promise<BlockRow[]> {
  const command = findPeer('prometheus');
  if (command === undefined)
    throw new BadArgument('Cannot compare blocks: prometheus is neither in PEERS_DIR nor in PATH');
  mkdirSync(dir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  writeFileSync(config, 'global: {}\n');
  const [port] = (await findFreePorts(1)) as [number];
  const data = join(dir, 'data');
  const child = new Child({
    name: 'prometheus',
    command,
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-admin-api',
    ],
    logFile: join(dir, 'prometheus.log'),
    guard,
  });
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(readyMsMax)]);
    await until(() => isReady(port), { everyMs: 50, signal: limit });
    await send(new URL(`http://127.0.0.1:${port}/api/v1/write`));
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/admin/tsdb/snapshot`, {
      method: 'POST',
      signal: AbortSignal.timeout(flushMsMax),
    });
    const { data: made } = (await response.json()) as { readonly data?: { readonly name: string } };
    if (made === undefined)
      throw new Error(`Cannot compare blocks: prometheus made no snapshot\n${child.lastLogLines(5)}`);
    return readBlocks('prometheus', join(data, 'snapshots', made.name));
  } finally {
    await child.stop({ signal: 'SIGKILL' });
  }
}

interface BlockStats {
  readonly numSeries?: number;
  readonly numSamples?: number;
  readonly numChunks?: number;
}

function readBlocks(of: string, dir: string): BlockRow[] {
  const ids = readdirSync(dir).filter((name) => /^[0-9A-Z]{26}$/.test(name));
  if (ids.length === 0) throw new Error(`Cannot compare blocks: ${of} has made none`);
  return ids.map((id) => {
    const block = join(dir, id);
    const { stats } = JSON.parse(readFileSync(join(block, 'meta.json'), 'utf8')) as { readonly stats: BlockStats };
    const chunkBytes = bytesBelow(join(block, 'chunks'));
    const indexBytes = statSync(join(block, 'index')).size;
    return {
      of,
      series: stats.numSeries ?? 0,
      samples: stats.numSamples ?? 0,
      chunks: stats.numChunks ?? 0,
      indexBytes,
      chunkBytes,
      blockBytes: bytesBelow(block),
    };
  });
}

export function blocksTable(rows: readonly BlockRow[], machine: string): string {
  return markdownTable(
    machine,
    [
      { words: 'block of' },
      'series',
      'samples',
      'chunks',
      'index, bytes',
      'chunks, bytes',
      'all, bytes',
      'all',
      'bytes/sample',
    ],
    rows.map((row) => [
      row.of,
      wholeNumber(row.series),
      wholeNumber(row.samples),
      wholeNumber(row.chunks),
      wholeNumber(row.indexBytes),
      wholeNumber(row.chunkBytes),
      wholeNumber(row.blockBytes),
      binaryBytes(row.blockBytes),
      (row.blockBytes / row.samples).toFixed(2),
    ]),
  );
}
