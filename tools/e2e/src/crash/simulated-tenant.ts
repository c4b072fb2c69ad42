import { setImmediate as nextTurn } from 'node:timers/promises';
import { silentLog, type Clock } from '@gauntlet/base';
import { createIntake } from '@gauntlet/kernel';
import type { MemoryBucket } from '@gauntlet/objstore/testing';
import type { Bucket } from '@gauntlet/objstore';
import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { createShipper, type Shipper } from '@gauntlet/shipper';
import { Tsdb } from '@gauntlet/tsdb';
import type { Vfs } from '@gauntlet/vfs';
import type { Random } from './random.js';
import type { SampleBook, Verdict } from './sample-book.js';
import { exemplarTexts, sentTexts, seriesText, timeOf } from './sample-text.js';
import { readBucketBlocks, readExemplars, readHead, readLocalBlocks } from './stored-samples.js';

export const tenantDir = '/data/tenant';

/** The wall clock of a simulation: it stands until someone moves it, and sleeping takes a turn of the event loop. */
export class SimulatedClock implements Clock {
  now = 0;
  nowMs = (): number => this.now;
  monotonicMs = (): number => this.now;
  sleep = (_delayMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) =>
      setImmediate(() => (signal?.aborted ? reject(signal.reason as Error) : resolve())),
    );
}

export interface TenantPlan {
  readonly vfs: Vfs;
  readonly bucket: Bucket;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly blockRangeMs: number;
  readonly chunkRangeMs: number;
  readonly retentionMs: number;
  readonly compress: boolean;
  readonly segmentBytesMax: number;
  readonly outOfOrderWindowMs: number;
  readonly outOfOrderCapMax: number;
  readonly exemplarsMax: number;
  /** 0: whatever there is to replay is replayed behind the writes. */
  readonly briefReplayBytesMax: number;
  /** Such a replay waits for so many turns of the event loop, fewer as a rule, so that writes come before it is over. */
  readonly replayTurnsMax: number;
}

/** What was written to a tenant in all of its lives. */
export interface Books {
  readonly samples: SampleBook;
  readonly exemplars: SampleBook;
}

const intake = createIntake({ messageBytesMax: 1 << 24 });

/** A tenant's database and its shipper, as an ingester runs them, and a book of what was written to them. */
export class SimulatedTenant {
  readonly database: Tsdb;
  readonly shipper: Shipper;
  readonly #books: Books;

  private constructor(database: Tsdb, shipper: Shipper, books: Books) {
    this.database = database;
    this.shipper = shipper;
    this.#books = books;
  }

  /** Resolves when writes may come; the log may still be replayed then. */
  static async open(plan: TenantPlan, books: Books): Promise<SimulatedTenant> {
    const { vfs, bucket, clock, random, blockRangeMs, chunkRangeMs, retentionMs, compress, segmentBytesMax } = plan;
    const { outOfOrderWindowMs, outOfOrderCapMax, exemplarsMax, briefReplayBytesMax } = plan;
    const database = await Tsdb.open({
      vfs,
      dir: tenantDir,
      clock,
      randomBytes: (length) => random.bytes(length),
      log: silentLog,
      blockRangeMs,
      chunkRangeMs,
      retentionMs,
      futureWindowMs: 0,
      wal: { compress, segmentBytesMax, clock },
      pendingBytesMax: 1 << 24,
      outOfOrderWindowMs,
      outOfOrderCapMax,
      exemplarsMax,
      briefReplayBytesMax,
      replayGate: {
        run: async (work) => {
          for (let turns = random.whole(0, plan.replayTurnsMax + 1); turns > 0; turns--) await nextTurn();
          return work();
        },
      },
    });
    const labels = { replica: 'one', tenant_id: 'tenant' };
    const shipper = createShipper({ vfs, bucket, dir: tenantDir, labels: () => labels, source: 'receive', clock });
    return new SimulatedTenant(database, shipper, books);
  }

  /**
   * Writes one request and waits for the answer. True when all of it is acknowledged; false when a part was refused, which may be
   * stored nevertheless as far as the book goes.
   */
  async write({ message, texts, exemplars }: WriteBody): Promise<boolean> {
    this.#books.samples.send(texts);
    this.#books.exemplars.send(exemplars);
    const batch = intake.scan(message, 'identity', { kind: 'thanos', routeHashes: false });
    const { committed, hasRejections } = this.database.append(batch, 0);
    await committed;
    if (!hasRejections) {
      this.#books.samples.acknowledge(texts);
      this.#books.exemplars.acknowledge(exemplars);
    }
    return !hasRejections;
  }

  async retain(): Promise<void> {
    await this.database.applyRetention(await this.shipper.uploadedBlocks());
  }
}

/** Everything that a reader of directory, bucket and head would find. Moves what the head may move to files first. */
export async function storedSamples(
  vfs: Vfs,
  bucket: MemoryBucket,
  tenant: SimulatedTenant | undefined,
): Promise<Set<string>> {
  const found = new Set<string>();
  await readLocalBlocks(vfs, tenantDir, found);
  await readBucketBlocks(bucket, { vfs, dir: tenantDir }, found);
  if (tenant !== undefined) {
    await tenant.database.maintain();
    await readHead(tenant.database.head, { vfs, dir: tenantDir }, found);
  }
  return found;
}

/** What is wrong with a tenant that has been opened and replayed, or, without one, with its blocks. */
export async function problemsOf(
  books: Books,
  { vfs, bucket, tenant }: { readonly vfs: Vfs; readonly bucket: MemoryBucket; readonly tenant?: SimulatedTenant },
  when: string,
): Promise<{ readonly found: number; readonly problems: string[] }> {
  const found = await storedSamples(vfs, bucket, tenant);
  const problems = complaints(books.samples.judge(found), when);
  if (tenant?.database.head.exemplars !== undefined) {
    const { head } = tenant.database;
    const exemplars = new Set<string>();
    readExemplars(head, exemplars);
    // Blocks hold none: they go with the head's part of the series.
    const verdict = books.exemplars.judge(exemplars, (exemplar) => timeOf(exemplar) < head.minValidTimeMs);
    problems.push(...complaints(verdict, when));
  }
  return { found: found.size, problems };
}

function complaints({ lost, invented }: Verdict, when: string): string[] {
  return [
    ...lost.map((sample) => `lost ${when}: ${sample}`),
    ...invented.map((sample) => `invented ${when}: ${sample}`),
  ];
}

/** A request to an ingester, and the texts of its samples. */
export interface WriteBody {
  readonly message: Uint8Array;
  readonly texts: readonly string[];
  readonly exemplars: readonly string[];
}

export function writeBodyOf(series: readonly SeriesInput[]): WriteBody {
  // Field 1 is the same in both kinds of write request; field 2 is the tenant.
  const message = Buffer.concat([encodeWriteRequest({ timeseries: series }), Buffer.from([0x12, 1, 0x74])]);
  return {
    message,
    texts: series.flatMap(sentTexts),
    exemplars: series.flatMap(({ labels, exemplars = [] }) =>
      exemplarTexts(seriesText(labels as readonly (readonly [string, string])[]), exemplars),
    ),
  };
}
