import type { BlockMeta, MetaStats } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { ChunkVerifier, openSegments } from './verify-chunks.js';
import { FileSource } from './file-source.js';
import type { Reporter } from './finding.js';
import type { Progress } from './progress.js';
import { verifyIndex } from './verify-index.js';
import { verifyMeta } from './verify-meta.js';
import type { SeriesEntry } from './verify-series.js';
import type { SymbolTable } from './verify-symbols.js';
import { verifyThanosFiles } from './verify-thanos-files.js';
import { TombstoneVerifier, readStones } from './verify-tombstones.js';

export interface BlockOutcome {
  /** Undefined when meta.json cannot be read. */
  readonly meta: BlockMeta | undefined;
  readonly series: number;
  readonly chunks: number;
  readonly samples: number;
}

/** All invariants of one block; those of blocks beside each other are elsewhere. Changes nothing. */
export async function verifyBlock(
  vfs: Vfs,
  dir: string,
  { name, report, progress }: { readonly name: string; readonly report: Reporter; readonly progress: Progress },
): Promise<BlockOutcome> {
  const meta = await verifyMeta(vfs, dir, name, report);
  if (meta !== undefined) await verifyThanosFiles(vfs, dir, meta, report);
  if ((await vfs.stat(`${dir}/index`)) === undefined) {
    report.error(4, 'index', 'it is missing');
    return { meta, series: 0, chunks: 0, samples: 0 };
  }
  const sources: FileSource[] = [];
  try {
    const index = await FileSource.open(vfs, `${dir}/index`, 'index');
    sources.push(index);
    const segments = await openSegments(vfs, dir, report);
    sources.push(...segments);
    const chunks = new ChunkVerifier(segments, report, { meta, onBytes: (bytes) => progress.add(bytes) });
    const tombstones = new TombstoneVerifier(await readStones(vfs, dir, report), report);
    const { series, isWhole } = await verifyIndex(index, report, async (entry, symbols) => {
      progress.throwIfStopped();
      await chunks.verify(entry, () => seriesText(entry, symbols));
      const [first, last] = [entry.chunks[0], entry.chunks.at(-1)];
      if (first && last) tombstones.meet(entry.ref, { minTimeMs: first.minTimeMs, maxTimeMs: last.maxTimeMs });
    });
    progress.add(index.size);
    await chunks.finish(isWhole);
    tombstones.finish(isWhole);
    if (meta !== undefined && isWhole)
      verifyStats(meta.stats, { series, chunks, tombstones: tombstones.count }, report);
    return { meta, series, chunks: chunks.chunks, samples: chunks.counts.samples };
  } finally {
    for (const source of sources) await source.close();
  }
}

/** Invariant 3. Writers of old did not tell floats from histograms. */
function verifyStats(
  stats: MetaStats,
  found: { readonly series: number; readonly chunks: ChunkVerifier; readonly tombstones: number },
  report: Reporter,
): void {
  const { counts, isWhole, chunks } = found.chunks;
  const differ = (field: keyof MetaStats, real: number): void => {
    const said = stats[field] ?? 0;
    if (said !== real) report.warning(3, 'meta.json', `${field} is ${said}, and the block has ${real}`);
  };
  differ('numSeries', found.series);
  differ('numChunks', chunks);
  differ('numTombstones', found.tombstones);
  if (!isWhole) return;
  differ('numSamples', counts.samples);
  if (stats.numFloatSamples === undefined && stats.numHistogramSamples === undefined) return;
  differ('numFloatSamples', counts.floats);
  differ('numHistogramSamples', counts.histograms);
}

/** `{__name__="up", job="a"}`, for findings. */
function seriesText({ labels }: SeriesEntry, symbols: SymbolTable): string {
  const pairs: string[] = [];
  for (let at = 0; at + 1 < labels.length; at += 2)
    pairs.push(`${symbols.text(labels[at]!)}=${JSON.stringify(symbols.text(labels[at + 1]!))}`);
  return `{${pairs.join(', ')}}`;
}
