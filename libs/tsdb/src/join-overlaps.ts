import { decodeChunk, encodeChunks, type ChunkSample } from '@gauntlet/chunk';
import {
  createOverlay,
  type LabelOverlay,
  type SelectedChunk,
  type SelectedSeries,
  type SeriesSource,
} from '@gauntlet/select';

/** A chunk of a series that has lost labels to the overlay, which told it from others with the same final ones. */
interface OwnedChunk extends SelectedChunk {
  /** The stored labels of its series. */
  readonly owner: string;
}

/**
 * An overlay for one source. A merge holds a series of each source, and an overlay has room for the labels of one; and it knows by which stored labels
 * the last series went.
 */
export class SourceOverlay implements LabelOverlay {
  readonly added: LabelOverlay['added'];
  readonly hidden: LabelOverlay['hidden'];
  /** Stored labels of the last series, if the overlay has taken any of them away. */
  owner: string | undefined;
  readonly #twin: LabelOverlay;
  readonly #addedBytes: number;

  constructor({ added, hidden }: LabelOverlay) {
    this.added = added;
    this.hidden = hidden;
    const names = new Set(added.map(({ name }) => name));
    this.#twin = createOverlay(
      added,
      hidden.filter((name) => !names.has(name)),
    );
    this.#addedBytes = this.#twin.apply(new Uint8Array()).length;
  }

  apply(stored: Uint8Array): Uint8Array {
    const final = this.#twin.apply(stored);
    const isWhole = final.length === stored.length + this.#addedBytes;
    this.owner = isWhole ? undefined : Buffer.from(stored).toString('latin1');
    return final;
  }

  compare(a: Uint8Array, b: Uint8Array): number {
    return this.#twin.compare(a, b);
  }
}

/** Notes on each chunk whose it is, where final labels do not tell. */
export function ownChunks(source: SeriesSource, overlay: SourceOverlay): SeriesSource {
  const own = (series: SelectedSeries | undefined): SelectedSeries | undefined => {
    const { owner } = overlay;
    if (series === undefined || owner === undefined) return series;
    return { labels: series.labels, chunks: series.chunks.map((chunk): OwnedChunk => ({ ...chunk, owner })) };
  };
  return mapSource(source, own);
}

/**
 * Gives series whose chunks do not overlap: those that do are encoded anew as one run of samples. A Querier takes overlapping chunks for those of
 * replicas, and reads only one of them at a time, so that samples which came late would be lost to it. Chunks of different owners are replicas.
 */
export function joinOverlaps(source: SeriesSource): SeriesSource {
  return mapSource(source, (series) =>
    series === undefined || !haveOverlaps(series.chunks) ? series : joinedByOwner(series),
  );
}

function mapSource(
  source: SeriesSource,
  map: (series: SelectedSeries | undefined) => SelectedSeries | undefined,
): SeriesSource {
  return {
    next() {
      const next = source.next();
      return next instanceof Promise ? next.then(map) : map(next);
    },
    close: () => source.close(),
  };
}

/** Chunks are in the order of their first samples. */
function haveOverlaps(chunks: readonly SelectedChunk[]): boolean {
  for (let index = 1; index < chunks.length; index += 1)
    if (chunks[index]!.minTimeMs <= chunks[index - 1]!.maxTimeMs) return true;
  return false;
}

function joinedByOwner({ labels, chunks }: SelectedSeries): SelectedSeries {
  const owned = new Map<string | undefined, SelectedChunk[]>();
  for (const chunk of chunks) {
    const { owner } = chunk as Partial<OwnedChunk>;
    const others = owned.get(owner);
    if (others === undefined) owned.set(owner, [chunk]);
    else others.push(chunk);
  }
  const apart = [...owned.values()].flatMap(joined);
  if (owned.size > 1) apart.sort((a, b) => a.minTimeMs - b.minTimeMs || a.maxTimeMs - b.maxTimeMs);
  return { labels, chunks: apart };
}

function joined(chunks: readonly SelectedChunk[]): SelectedChunk[] {
  const apart: SelectedChunk[] = [];
  for (let first = 0; first < chunks.length;) {
    let last = first;
    let { maxTimeMs } = chunks[first]!;
    for (; last + 1 < chunks.length && chunks[last + 1]!.minTimeMs <= maxTimeMs; last += 1)
      maxTimeMs = Math.max(maxTimeMs, chunks[last + 1]!.maxTimeMs);
    if (first === last) apart.push(chunks[first]!);
    else apart.push(...oneRun(chunks.slice(first, last + 1)));
    first = last + 1;
  }
  return apart;
}

/** Of several samples at one time that of the chunk that begins first stays. */
function oneRun(chunks: readonly SelectedChunk[]): SelectedChunk[] {
  const samples: ChunkSample[] = chunks.flatMap(({ encoding, data }) => decodeChunk(encoding, data));
  samples.sort((a, b) => (a.timestampMs < b.timestampMs ? -1 : a.timestampMs > b.timestampMs ? 1 : 0));
  const distinct = samples.filter(({ timestampMs }, index) => samples[index - 1]?.timestampMs !== timestampMs);
  return encodeChunks(distinct).map(({ encoding, minTimeMs, maxTimeMs, data }) => ({
    ...{ encoding, data },
    ...{ minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs) },
  }));
}
