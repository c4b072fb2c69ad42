import { int64Max, int64Min } from '@gauntlet/base';
import type { ChunkSample } from '@gauntlet/chunk';
import { staleHistogram } from '@gauntlet/chunk';
import type { SeriesAddress, Shard } from '@gauntlet/kernel';
import { staleMarkerBits } from '@gauntlet/model';
import {
  RecordType,
  decodeExemplars,
  decodeHistograms,
  decodeMarkers,
  decodeSamples,
  decodeSamplesV2,
  decodeTombstones,
  recordType,
  type ExemplarEntry,
  type HistogramEntry,
  type TombstoneEntry,
} from '@gauntlet/wal';
import { chunkRef } from './host-rows.js';
import type { AttachedChunk } from './head.js';
import type { SeriesHost, SeriesPlace } from './series-host.js';

/** What became of the samples of a record. */
export interface ReplayCounts {
  stored: number;
  dropped: number;
  unknown: number;
  min: bigint;
  max: bigint;
}

/** Applies the entries that the kernel does not, while a replay runs: histograms, exemplars, tombstones, and all of the WBL. */
export class HostReplay {
  readonly #host: SeriesHost;
  readonly #shards: readonly Shard[];
  /** End of the last attached chunk of each ref. */
  #attachedEnds = new Map<number, number>();
  /** Attached out-of-order chunks, until their series are known. */
  #lateChunks: AttachedChunk[] = [];
  #lastAttached = -1n;
  /** Newest histograms of refs whose series have another. */
  readonly #redirected = new Map<number, bigint>();
  /** Such refs that the WBL names. */
  readonly #lateRefs = new Set<number>();
  #highestRef = 0;

  constructor(shards: readonly Shard[], host: SeriesHost) {
    this.#shards = shards;
    this.#host = host;
  }

  /** Of all that it was shown, series known or not. */
  get highestRef(): number {
    return this.#highestRef;
  }

  /** Notes a chunk; `overlaps` when it does not come behind the one before, `late` when it is out of order, `old` when its samples are all in blocks. */
  attach(chunk: AttachedChunk, minValid: bigint): 'attached' | 'late' | 'old' | 'overlaps' {
    this.#see(chunk.ref);
    const position = chunkRef(chunk.position);
    if (position > this.#lastAttached) this.#lastAttached = position;
    if (chunk.isOutOfOrder) {
      this.#lateChunks.push(chunk);
      return 'late';
    }
    if (BigInt(chunk.maxTimeMs) < minValid) return 'old';
    const end = this.#attachedEnds.get(chunk.ref);
    if (end !== undefined && chunk.minTimeMs <= end) return 'overlaps';
    this.#attachedEnds.set(chunk.ref, chunk.maxTimeMs);
    return 'attached';
  }

  /** Stores a float that the kernel has stopped at. */
  float({ shard, s }: SeriesPlace, t: bigint, bits: bigint): void {
    const state = shard.series(s);
    const last = this.#host.lastHistogram(Number(state.ref));
    const place = { shard, s };
    if (bits === staleMarkerBits) this.#host.storeHistogram(place, state, t, staleHistogram(last?.kind ?? 'integer'));
    else this.#host.storeFloat(place, state, t, bits, false);
  }

  histograms(record: Uint8Array, minValid: bigint): ReplayCounts {
    const counts = { stored: 0, dropped: 0, unknown: 0, min: int64Max, max: int64Min };
    for (const entry of decodeHistograms(record)) this.#histogram(entry, minValid, counts);
    return counts;
  }

  #histogram({ ref, timestampMs: t, histogram }: HistogramEntry, minValid: bigint, counts: ReplayCounts): void {
    const place = this.#find(ref);
    if (place === undefined) {
      counts.unknown += 1;
      return;
    }
    const state = place.shard.series(place.s);
    if (Number(state.ref) !== ref && t > (this.#redirected.get(ref) ?? int64Min)) this.#redirected.set(ref, t);
    if (t < minValid || (state.hasSamples && t <= state.maxTime)) {
      const isEndOfStored = state.hasSamples && t === state.maxTime && this.#endsStored([ref, Number(state.ref)], t);
      if (isEndOfStored && !state.isHost) this.#host.noteHistogram(place, state, histogram);
      counts.dropped += 1;
      return;
    }
    this.#host.storeHistogram(place, state, t, histogram);
    counts.stored += 1;
    if (t < counts.min) counts.min = t;
    if (t > counts.max) counts.max = t;
  }

  /** Whether a chunk in a file ends at a time; that of a series with two refs may be stored under either. */
  #endsStored(refs: readonly number[], t: bigint): boolean {
    return refs.some((ref) => this.#attachedEnds.get(ref) === Number(t));
  }

  exemplars(record: Uint8Array, minValid: bigint): void {
    for (const entry of decodeExemplars(record)) this.#exemplar(entry, minValid);
  }

  #exemplar({ ref, timestampMs, valueBits, labels }: ExemplarEntry, minValid: bigint): void {
    const place = this.#find(ref);
    if (place === undefined || timestampMs < minValid) return;
    this.#host.exemplars?.add(Number(place.shard.series(place.s).ref), { timestampMs, valueBits, labels });
  }

  tombstones(record: Uint8Array, minValid: bigint): void {
    for (const entry of decodeTombstones(record)) this.#tombstone(entry, minValid);
  }

  #tombstone({ ref, minTimeMs, maxTimeMs }: TombstoneEntry, minValid: bigint): void {
    const place = this.#find(ref);
    if (place === undefined) return;
    const own = Number(place.shard.series(place.s).ref);
    if (minTimeMs === int64Min && maxTimeMs === int64Max) {
      place.shard.removeSeries(BigInt(ref));
      this.#host.forget(own);
    } else if (maxTimeMs >= minValid) {
      this.#host.deletions.add(own, { minTimeMs: Number(minTimeMs), maxTimeMs: Number(maxTimeMs) });
    }
  }

  /** Applies a record of the WBL; the WAL has been replayed. Returns how many samples were of refs that nobody knows. */
  outOfOrder(record: Uint8Array): number {
    this.claimLate();
    switch (recordType(record)) {
      case RecordType.markers:
        for (const marker of decodeMarkers(record)) this.#marker(marker.ref, marker.chunkRef);
        return 0;
      case RecordType.samples:
        return this.#late(decodeSamples(record), ({ timestampMs, valueBits }) => ({ timestampMs, bits: valueBits }));
      case RecordType.samplesV2:
        return this.#late(decodeSamplesV2(record), ({ timestampMs, valueBits }) => ({ timestampMs, bits: valueBits }));
      case RecordType.histograms:
      case RecordType.floatHistograms:
      case RecordType.customBucketHistograms:
      case RecordType.customBucketFloatHistograms:
      case RecordType.histogramsV2:
      case RecordType.floatHistogramsV2:
        return this.#late(decodeHistograms(record), ({ timestampMs, histogram }) => ({ timestampMs, histogram }));
      default:
        return 0;
    }
  }

  #late<T extends { readonly ref: number }>(entries: readonly T[], sampleOf: (entry: T) => ChunkSample): number {
    let unknown = 0;
    for (const entry of entries) {
      const place = this.#find(entry.ref);
      if (place === undefined) {
        unknown += 1;
        continue;
      }
      const ref = Number(place.shard.series(place.s).ref);
      if (ref !== entry.ref) this.#lateRefs.add(entry.ref);
      this.#host.storeLate(place, ref, sampleOf(entry));
    }
    return unknown;
  }

  /** What came before it is in a chunk, if that was found; else the array is encoded where it was then, so that its samples reach a file before other chunks take that place. */
  #marker(ref: number, chunk: bigint): void {
    const place = this.#find(ref);
    if (place === undefined) return;
    const own = Number(place.shard.series(place.s).ref);
    if (chunk <= this.#lastAttached) this.#host.late.clear(own);
    else this.#host.late.encode(own);
  }

  /** Gives the attached out-of-order chunks to their series; those of unknown refs are forgotten. */
  claimLate(): void {
    for (const chunk of this.#lateChunks) {
      const place = this.#find(chunk.ref);
      if (place === undefined) continue;
      const ref = Number(place.shard.series(place.s).ref);
      this.#host.noteLate(place, ref);
      this.#host.late.attach(ref, chunk);
    }
    this.#lateChunks = [];
  }

  /**
   * Returns refs of series that bear another, and until when the logs may hold samples for them besides those that the kernel knows of.
   * @param max newest time of the head: by the time that it is truncated beyond, so is the WBL
   */
  end(max: bigint): ReadonlyMap<number, bigint> {
    this.claimLate();
    this.#host.unpin();
    this.#attachedEnds = new Map();
    for (const ref of this.#lateRefs) this.#redirected.set(ref, max);
    return this.#redirected;
  }

  #see(ref: number): void {
    if (ref > this.#highestRef && Number.isSafeInteger(ref)) this.#highestRef = ref;
  }

  #find(ref: number): SeriesPlace | undefined {
    this.#see(ref);
    for (const shard of this.#shards) {
      const s: SeriesAddress = shard.seriesOfRef(BigInt(ref));
      if (s !== 0) return { shard, s };
    }
    return undefined;
  }
}
