import type { Vfs } from '@gauntlet/vfs';

/** Segments are files named by their number, of at least eight digits; any other name is no segment. */
export function segmentName(segment: number): string {
  return String(segment).padStart(8, '0');
}

/** A checkpoint is a directory named by the last segment that it stands for. */
export function checkpointName(segment: number): string {
  return `checkpoint.${segmentName(segment)}`;
}

export interface WalListing {
  /** Ascending. */
  readonly segments: readonly number[];
  /** Ascending; only the last one counts. */
  readonly checkpoints: readonly number[];
}

/** What a log's directory holds; nothing when it is missing. */
export async function listWal(vfs: Vfs, dir: string): Promise<WalListing> {
  if ((await vfs.stat(dir)) === undefined) return { segments: [], checkpoints: [] };
  const entries = await vfs.readDir(dir);
  const numbers = (pattern: RegExp): number[] =>
    entries
      .flatMap(({ name }) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  return { segments: numbers(/^(\d+)$/), checkpoints: numbers(/^checkpoint\.(\d+)$/) };
}
