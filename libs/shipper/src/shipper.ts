import { createHash } from 'node:crypto';
import { type Clock, KiB, type Log, messageOf, systemClock } from '@gauntlet/base';
import { type BlockMeta, parseBlockMeta, type ThanosFile } from '@gauntlet/block';
import { isUlid } from '@gauntlet/model';
import { type Bucket, bytesSource, type ObjectSource } from '@gauntlet/objstore';
import { type Vfs, writeFileDurable } from '@gauntlet/vfs';
import { encodeShippedMeta } from './shipped-meta.js';
import { ShipError } from './shipper-error.js';
import { readState, writeState } from './shipper-state.js';

const readBytes = 256 * KiB;

export interface ShipperOptions {
  readonly vfs: Vfs;
  readonly bucket: Bucket;
  /** The tenant's directory. */
  readonly dir: string;
  /** The tenant's external labels, asked anew for each upload: they change when hashrings do. */
  readonly labels: () => Readonly<Record<string, string>>;
  readonly source: 'receive';
  readonly hashFunc?: 'SHA256' | '';
  /** Chunk files in flight at once; 0 or nothing means 1. */
  readonly uploadConcurrency?: number;
  readonly allowOutOfOrderUploads?: boolean;
  readonly skipCorruptedBlocks?: boolean;
  readonly clock?: Pick<Clock, 'nowMs'>;
  readonly log?: Log;
}

/** Blocks with samples that are not in the bucket, as of the last look at the directory. */
export interface ShipperBacklog {
  readonly blocks: number;
  /** Where the oldest of them begins, Unix milliseconds; undefined without any. */
  readonly oldestMs: number | undefined;
}

/** For metrics; they only grow. */
export interface ShipperCounters {
  dirSyncs: number;
  dirSyncFailures: number;
  uploads: number;
  uploadFailures: number;
  corruptedBlocks: number;
}

export interface SyncResult {
  readonly uploaded: number;
  readonly failed: number;
}

/**
 * Uploads a tenant's finished blocks, older ones first, each exactly once as far as a reader can tell: meta.json goes last, and
 * whoever finds it may assume that the block's other files are there. Never deletes, neither here nor in the bucket.
 */
export class Shipper {
  readonly counters: ShipperCounters = {
    dirSyncs: 0,
    dirSyncFailures: 0,
    uploads: 0,
    uploadFailures: 0,
    corruptedBlocks: 0,
  };
  /** What waits, oldest first. */
  #waiting: readonly BlockMeta[] = [];
  /** Blocks without samples: there is nothing to upload, and nothing to lose. */
  #empty: readonly string[] = [];
  readonly #options: ShipperOptions;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** Passes run one after another: two would write over each other's links. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** One pass. Rejects with the first error unless out-of-order uploads are allowed; what was uploaded before it is recorded or found again. */
  sync(signal: AbortSignal): Promise<SyncResult> {
    const pass = this.#last.then(() => this.#sync(signal));
    this.#last = pass.catch(() => undefined);
    return pass;
  }

  /** For retention: only these blocks may be deleted here. What the state file says, and blocks that have no samples, which are never uploaded. */
  async uploadedBlocks(): Promise<Set<string>> {
    return new Set([...(await readState(this.#options.vfs, this.#options.dir)), ...this.#empty]);
  }

  /** Grows while the bucket does not take them. */
  get backlog(): ShipperBacklog {
    return { blocks: this.#waiting.length, oldestMs: this.#waiting[0]?.minTime };
  }

  async #sync(signal: AbortSignal): Promise<SyncResult> {
    this.counters.dirSyncs++;
    try {
      return await this.#pass(signal);
    } catch (error) {
      this.counters.dirSyncFailures++;
      throw error;
    }
  }

  async #pass(signal: AbortSignal): Promise<SyncResult> {
    const { vfs, dir, allowOutOfOrderUploads } = this.#options;
    const before = await readState(vfs, dir);
    const known = new Set(before);
    await vfs.removeAll(this.#uploadDir('')); // Left by a crash: links and a meta.json, nothing else lives there.
    const local = await this.#localBlockIds();
    const uploaded = local.filter((id) => known.has(id));
    const result = { uploaded: 0, failed: 0 };
    try {
      const blocks = await this.#localBlocks(local, result);
      this.#empty = blocks.filter(isEmpty).map(({ ulid }) => ulid);
      const waiting = blocks.filter((meta) => !known.has(meta.ulid) && !isEmpty(meta) && meta.compaction.level <= 1);
      this.#waiting = waiting;
      for (const meta of waiting) {
        try {
          if (await this.#ship(meta, signal)) result.uploaded++;
          uploaded.push(meta.ulid);
          this.#waiting = this.#waiting.filter(({ ulid }) => ulid !== meta.ulid);
        } catch (error) {
          result.failed++;
          this.counters.uploadFailures++;
          this.#options.log?.error('upload of block failed', { block: meta.ulid, error: messageOf(error) });
          if (!allowOutOfOrderUploads || signal.aborted) throw error;
        }
      }
    } finally {
      // Blocks that made it are recorded also when a later one failed: a fact, and it saves the next pass a question.
      const after = uploaded.sort();
      if (JSON.stringify(after) !== JSON.stringify(before)) await writeState(vfs, dir, after);
    }
    return result;
  }

  async #localBlockIds(): Promise<string[]> {
    const entries = await this.#options.vfs.readDir(this.#options.dir);
    return entries.filter(({ kind, name }) => kind === 'directory' && isUlid(name)).map(({ name }) => name);
  }

  /** Readable blocks, sorted by minTime. */
  async #localBlocks(ids: readonly string[], result: { failed: number }): Promise<BlockMeta[]> {
    const { vfs, dir, skipCorruptedBlocks, log } = this.#options;
    const metas: BlockMeta[] = [];
    for (const id of ids) {
      try {
        const meta = parseBlockMeta(Buffer.from(await vfs.readFile(`${dir}/${id}/meta.json`)).toString());
        metas.push({ ...meta, ulid: id }); // The directory's name is the block's id, whatever its meta.json says: paths are built from it.
      } catch (error) {
        if ((await vfs.stat(`${dir}/${id}`)) === undefined) continue; // Deleted by retention meanwhile.
        this.counters.corruptedBlocks++;
        if (!skipCorruptedBlocks)
          throw new ShipError(
            'BLOCK_META_UNREADABLE',
            id,
            `Cannot ship block ${id}: its meta.json is unreadable: ${messageOf(error)}`,
            { cause: error },
          );
        result.failed++;
        log?.warn('corrupted block skipped', { block: id, error: messageOf(error) });
      }
    }
    return metas.sort((a, b) => a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1));
  }

  /** False when the bucket has it already. */
  async #ship(meta: BlockMeta, signal: AbortSignal): Promise<boolean> {
    const { bucket, vfs, log } = this.#options;
    if (await bucket.exists(`${meta.ulid}/meta.json`, signal)) return false;
    const labels = this.#options.labels();
    if (Object.keys(labels).length === 0)
      throw new ShipError(
        'EXTERNAL_LABELS_EMPTY',
        meta.ulid,
        'empty external labels are not allowed for Thanos block.',
      );
    const upload = this.#uploadDir(meta.ulid);
    try {
      const files = await this.#link(meta.ulid, upload);
      await this.#upload(meta, labels, files, upload, signal);
    } finally {
      await vfs.removeAll(upload).catch(() => undefined); // The next pass does it again.
    }
    this.counters.uploads++;
    log?.info('block uploaded', { block: meta.ulid });
    return true;
  }

  /** Links keep the files alive when retention deletes the block during a slow upload. No tombstones go along. */
  async #link(id: string, upload: string): Promise<ThanosFile[]> {
    const { vfs, dir } = this.#options;
    await vfs.makeDir(`${upload}/chunks`);
    const chunks = (await vfs.readDir(`${dir}/${id}/chunks`))
      .filter(({ kind }) => kind === 'file')
      .map(({ name }) => `chunks/${name}`);
    const files: ThanosFile[] = [];
    for (const path of [...chunks.sort(), 'index']) {
      await vfs.link(`${dir}/${id}/${path}`, `${upload}/${path}`);
      const size = (await vfs.stat(`${upload}/${path}`))?.size ?? 0;
      files.push({ rel_path: path, size_bytes: size, ...(await this.#hash(`${upload}/${path}`, size)) });
    }
    return [...files, { rel_path: 'meta.json' }];
  }

  async #upload(
    meta: BlockMeta,
    labels: Readonly<Record<string, string>>,
    files: readonly ThanosFile[],
    upload: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, vfs, source } = this.#options;
    const encode = (uploadTimeMs: number | undefined): Uint8Array =>
      encodeShippedMeta(meta, { labels, source, files, uploadTimeMs });
    await writeFileDurable(vfs, `${upload}/meta.json`, encode(undefined));
    const send = ({ rel_path: path, size_bytes: size = 0 }: ThanosFile): Promise<void> =>
      bucket.upload(`${meta.ulid}/${path}`, fileSource(vfs, `${upload}/${path}`, size), signal);
    await eachAtOnce(
      files.filter(({ rel_path }) => rel_path.startsWith('chunks/')),
      this.#options.uploadConcurrency || 1,
      send,
    );
    for (const file of files) if (file.rel_path === 'index') await send(file);
    const shipped = encode(this.#clock.nowMs());
    await writeFileDurable(vfs, `${upload}/meta.json`, shipped);
    // Last: whoever finds it may assume that the block's other files are there.
    await bucket.upload(`${meta.ulid}/meta.json`, bytesSource(shipped), signal);
  }

  async #hash(path: string, size: number): Promise<Pick<ThanosFile, 'hash'>> {
    if (this.#options.hashFunc !== 'SHA256') return {};
    const sum = createHash('sha256');
    for await (const piece of fileSource(this.#options.vfs, path, size).open(0, size)) sum.update(piece);
    return { hash: { hashFunc: 'SHA256', value: sum.digest('hex') } };
  }

  #uploadDir(id: string): string {
    return `${this.#options.dir}/thanos/upload${id === '' ? '' : `/${id}`}`;
  }
}

const isEmpty = ({ stats }: BlockMeta): boolean => (stats.numSamples ?? 0) === 0;

/** A file as the source of an upload; each stream opens and closes it for itself. */
function fileSource(vfs: Vfs, path: string, size: number): ObjectSource {
  return {
    size,
    async *open(from, to) {
      const file = await vfs.open(path, 'read');
      try {
        for (let position = from; position < to;) {
          const piece = new Uint8Array(Math.min(readBytes, to - position));
          const count = await file.read(piece, position);
          if (count === 0) return; // The bucket notices the missing bytes.
          yield piece.subarray(0, count);
          position += count;
        }
      } finally {
        await file.close();
      }
    },
  };
}

/** Runs `run` for all items, at most `limit` at once. After a failure no new one starts; it is thrown when all have ended. */
async function eachAtOnce<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined && failure === undefined; item = rest.shift()) {
      await run(item).catch((error: unknown) => {
        failure ??= { error };
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}

export function createShipper(options: ShipperOptions): Shipper {
  return new Shipper(options);
}
