import { silentLog, type Clock } from '@gauntlet/base';
import { createIntake } from '@gauntlet/kernel';
import type { MemoryBucket } from '@gauntlet/objstore/testing';
import type { Bucket } from '@gauntlet/objstore';
import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { createShipper, type Shipper } from '@gauntlet/shipper';
import { Tsdb } from '@gauntlet/tsdb';
import type { Vfs } from '@gauntlet/vfs';
import type { Random } from './random.js';
import type { SampleBook } from './sample-book.js';
import { sentTexts } from './sample-text.js';
import { readBucketBlocks, readHead, readLocalBlocks } from './stored-samples.js';

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
}

const intake = createIntake({ messageBytesMax: 1 << 24 });

/** A tenant's database and its shipper, as an ingester runs them, and a book of what was written to them. */
export class SimulatedTenant {
  readonly database: Tsdb;
  readonly shipper: Shipper;
  readonly #book: SampleBook;

  private constructor(database: Tsdb, shipper: Shipper, book: SampleBook) {
    this.database = database;
    this.shipper = shipper;
    this.#book = book;
  }

  static async open(plan: TenantPlan, book: SampleBook): Promise<SimulatedTenant> {
    const { vfs, bucket, clock, random, blockRangeMs, chunkRangeMs, retentionMs, compress, segmentBytesMax } = plan;
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
    });
    const labels = { replica: 'one', tenant_id: 'tenant' };
    const shipper = createShipper({ vfs, bucket, dir: tenantDir, labels: () => labels, source: 'receive', clock });
    return new SimulatedTenant(database, shipper, book);
  }

  /**
   * Writes one request and waits for the answer. True when all of it is acknowledged; false when a part was refused, which may be
   * stored nevertheless as far as the book goes.
   */
  async write({ message, texts }: WriteBody): Promise<boolean> {
    this.#book.send(texts);
    const batch = intake.scan(message, 'identity', { kind: 'thanos', routeHashes: false });
    const { committed, hasRejections } = this.database.append(batch, 0);
    await committed;
    if (!hasRejections) this.#book.acknowledge(texts);
    return !hasRejections;
  }

  async retain(): Promise<void> {
    await this.database.applyRetention(await this.shipper.uploadedBlocks());
  }
}

/** Everything that a reader of directory, bucket and head would find. */
export async function storedSamples(
  vfs: Vfs,
  bucket: MemoryBucket,
  tenant: SimulatedTenant | undefined,
): Promise<Set<string>> {
  const found = new Set<string>();
  await readLocalBlocks(vfs, tenantDir, found);
  await readBucketBlocks(bucket, { vfs, dir: tenantDir }, found);
  if (tenant !== undefined) readHead(tenant.database.head, found);
  return found;
}

/** A request to an ingester, and the texts of its samples. */
export interface WriteBody {
  readonly message: Uint8Array;
  readonly texts: readonly string[];
}

export function writeBodyOf(series: readonly SeriesInput[]): WriteBody {
  // Field 1 is the same in both kinds of write request; field 2 is the tenant.
  const message = Buffer.concat([encodeWriteRequest({ timeseries: series }), Buffer.from([0x12, 1, 0x74])]);
  return { message, texts: series.flatMap(sentTexts) };
}
