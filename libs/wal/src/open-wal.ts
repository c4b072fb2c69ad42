import { type Clock, MiB, invariant, messageOf, systemClock } from '@gauntlet/base';
import type { Vfs, VfsFile } from '@gauntlet/vfs';
import { kernelCodec, type Codec } from './codec.js';
import { headerBytes, pageBytes, segmentBytesMaxDefault } from './fragment.js';
import { type Extent, LogLayout, recordsIn, recycle } from './log-layout.js';
import { listWal, segmentName } from './segments.js';
import type { WalOptions, WalPosition, WalWriter } from './wal.js';
import { WalOverloadedError, WalUnavailableError } from './wal-error.js';

const pendingBytesMaxDefault = 64 * MiB;
const retryDelayMsMin = 100;
const retryDelayMsMax = 5000;

/**
 * Opens a log to write, in a new segment behind all others. Makes the directory (and its name durable; that of the parent is the
 * caller's). Whoever opens a log that was not closed replays and repairs it first: behind a torn record nothing is ever read.
 */
export async function openWal(vfs: Vfs, dir: string, options: WalOptions = {}): Promise<WalWriter> {
  const settings = {
    segmentBytesMax: options.segmentBytesMax ?? segmentBytesMaxDefault,
    compress: options.compress ?? false,
    durability: options.durability ?? 'sync',
    pendingBytesMax: options.pendingBytesMax ?? pendingBytesMaxDefault,
    clock: options.clock ?? systemClock,
    codec: options.codec ?? kernelCodec,
    follows: options.follows,
  };
  invariant(
    settings.segmentBytesMax > 0 && settings.segmentBytesMax % pageBytes === 0,
    'a segment consists of whole pages',
  );
  await vfs.makeDir(dir);
  await vfs.syncDir(`${dir}/..`);
  // Prometheus' note on how far the log reached when it last ran. We do not keep it up to date, so it would be wrong from here on.
  await vfs.remove(`${dir}/series_state.json`);
  const { segments, checkpoints } = await listWal(vfs, dir);
  const segment = Math.max(segments.at(-1) ?? -1, checkpoints.at(-1) ?? -1) + 1;
  const file = await createSegment(vfs, dir, segment);
  return new SegmentedWal(vfs, dir, settings, segment, file);
}

interface Settings extends Required<Omit<WalOptions, 'follows'>> {
  readonly follows: WalOptions['follows'];
  readonly clock: Clock;
  readonly codec: Codec;
}

interface Waiter {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One loop does all the input and output: it takes whatever was appended, writes it, syncs it, and wakes those who wait for it;
 * what arrives meanwhile is its next round.
 *
 * After a failed write or sync the file is not trusted any more: the kernel may have dropped the pages it could not write and
 * call the next sync a success. So everything not known to be durable is written again, to a new segment, and before that the
 * broken segments are cut back to their last durable record: no record may be in the log twice, since replaying a series
 * record a second time forgets the samples in between (spec/tsdb.md 2.7). While the cut does not work either, nothing is written.
 * A replay in that state sees records beyond the last acknowledged one, whole or torn, each of them once.
 */
class SegmentedWal implements WalWriter {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #settings: Settings;
  #state: WalWriter['state'] = 'open';
  #layout: LogLayout;
  /** Taken by the loop and not yet durable, in order. */
  #inFlight: Extent[] = [];
  #file: VfsFile | undefined;
  #fileSegment: number;
  /** Everything before it is durable, and it only moves forward. */
  #durable: WalPosition;
  /** Appends and rolls so far, and how many of them are durable. */
  #appended = 0;
  #settled = 0;
  #waiters: Waiter[] = [];
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #closed = new AbortController();
  #failure: unknown;
  #attempts = 0;
  #pendingBytes = 0;
  #bytesWritten = 0;
  #syncs = 0;
  #failures = 0;

  constructor(vfs: Vfs, dir: string, settings: Settings, segment: number, file: VfsFile) {
    this.#vfs = vfs;
    this.#dir = dir;
    this.#settings = settings;
    this.#layout = this.#layoutFrom(segment);
    this.#file = file;
    this.#fileSegment = segment;
    this.#durable = { segment, offset: 0 };
  }

  get state(): WalWriter['state'] {
    return this.#state;
  }

  get segment(): number {
    return this.#layout.segment;
  }

  get stats(): WalWriter['stats'] {
    return {
      bytesWritten: this.#bytesWritten,
      syncs: this.#syncs,
      failures: this.#failures,
      pendingBytes: this.#pendingBytes,
    };
  }

  append(records: readonly Uint8Array[]): void {
    this.#refuseUnlessOpen('append to');
    let bytes = 0;
    for (const record of records) bytes += record.length + headerBytes;
    // A batch beyond the bound is still taken when nothing waits: it could never be taken otherwise.
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#settings.pendingBytesMax) {
      throw new WalOverloadedError(`Cannot append to WAL ${this.#dir}: ${this.#pendingBytes} bytes wait for the disk`);
    }
    const before = this.#layout.bytes;
    for (const record of records) this.#layout.append(record, this.#settings.compress);
    this.#pendingBytes += this.#layout.bytes - before;
    this.#appended += 1;
    this.#start();
  }

  async commit(): Promise<void> {
    if (this.#settled >= this.#appended) return;
    if (this.#state !== 'open') throw this.#unavailable('commit to');
    await this.#settlementOf(this.#appended);
  }

  async roll(): Promise<number> {
    this.#refuseUnlessOpen('roll');
    this.#layout.roll();
    this.#appended += 1;
    const { segment } = this.#layout;
    this.#pendingBytes = this.#bytesUnsettled();
    this.#start();
    await this.#settlementOf(this.#appended);
    return segment;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closed.abort(new Error('closed'));
    await this.#loop;
    if (this.#settled >= this.#appended) {
      this.#layout.finish();
      this.#appended += 1;
      this.#start();
      await this.#loop;
    }
    const failure = this.#settled < this.#appended ? this.#unavailable('close') : undefined;
    this.#state = 'closed';
    this.#rejectWaiters();
    await this.#dropFile();
    if (failure !== undefined) throw failure;
  }

  #refuseUnlessOpen(verb: string): void {
    if (this.#closing !== undefined || this.#state !== 'open') throw this.#unavailable(verb);
  }

  #unavailable(verb: string): WalUnavailableError {
    if (this.#failure !== undefined) {
      const message = `Cannot ${verb} WAL ${this.#dir}: ${messageOf(this.#failure)}`;
      return new WalUnavailableError('WAL_UNAVAILABLE', message, { cause: this.#failure });
    }
    return new WalUnavailableError('WAL_CLOSED', `Cannot ${verb} WAL ${this.#dir}: it is closed`);
  }

  #settlementOf(upTo: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ upTo, resolve, reject }));
  }

  #start(): void {
    // From a microtask, so that everything appended in this turn shares the first sync.
    this.#loop ??= Promise.resolve().then(() => this.#run());
  }

  async #run(): Promise<void> {
    while (this.#settled < this.#appended) {
      try {
        if (this.#state === 'failing') await this.#beginAgain();
        const upTo = this.#appended;
        this.#inFlight.push(...this.#layout.take());
        if (this.#settings.follows !== undefined) await this.#settings.follows.commit().catch(() => undefined);
        await this.#flush();
        this.#settle(upTo);
      } catch (error) {
        await this.#fail(error);
        if (this.#attempts > 1 && this.#closing !== undefined) break;
        await this.#backOff();
      }
    }
    this.#loop = undefined;
  }

  async #flush(): Promise<void> {
    let unsynced = false;
    for (const extent of [...this.#inFlight]) {
      if (this.#file === undefined || this.#fileSegment !== extent.segment) await this.#open(extent.segment);
      const file = this.#file as VfsFile;
      if (extent.length > 0) {
        await file.write(extent.buffer.subarray(0, extent.length), extent.offset);
        this.#bytesWritten += extent.length;
        unsynced = true;
      }
      if (!extent.ends) continue;
      await this.#sync(file);
      unsynced = false;
      this.#markDurable(extent);
      await this.#dropFile();
    }
    const last = this.#inFlight.at(-1);
    if (last === undefined) return;
    if (unsynced && this.#settings.durability === 'sync') await this.#sync(this.#file as VfsFile);
    this.#markDurable(last);
  }

  async #sync(file: VfsFile): Promise<void> {
    await file.datasync();
    this.#syncs += 1;
  }

  async #open(segment: number): Promise<void> {
    this.#file = await createSegment(this.#vfs, this.#dir, segment);
    this.#fileSegment = segment;
  }

  /** A file whose bytes are durable, or given up, may fail to close without harm. */
  async #dropFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  #markDurable(last: Extent): void {
    const done = this.#inFlight.splice(0, this.#inFlight.indexOf(last) + 1);
    this.#durable = { segment: last.segment, offset: last.offset + last.length };
    this.#pendingBytes = this.#bytesUnsettled();
    recycle(done);
  }

  #bytesUnsettled(): number {
    return this.#inFlight.reduce((sum, extent) => sum + extent.length, this.#layout.bytes);
  }

  #settle(upTo: number): void {
    this.#settled = upTo;
    this.#attempts = 0;
    this.#failure = undefined;
    if (this.#state === 'failing') this.#state = 'open';
    const woken = this.#waiters.filter((waiter) => waiter.upTo <= upTo);
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > upTo);
    for (const waiter of woken) waiter.resolve();
  }

  async #fail(error: unknown): Promise<void> {
    this.#state = 'failing';
    this.#failure = error;
    this.#failures += 1;
    this.#attempts += 1;
    this.#rejectWaiters();
    await this.#dropFile();
  }

  #rejectWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#unavailable('commit to'));
  }

  async #backOff(): Promise<void> {
    const delayMs = Math.min(retryDelayMsMin * 2 ** (this.#attempts - 1), retryDelayMsMax);
    await this.#settings.clock.sleep(delayMs, this.#closed.signal).catch(() => undefined); // Closing cuts the wait short.
  }

  /** Takes the log back to its last durable record, and lays out anew what was to follow it. */
  async #beginAgain(): Promise<void> {
    const { segment, offset } = this.#durable;
    const { segments } = await listWal(this.#vfs, this.#dir);
    // From the last down and each one durably, so that a crash leaves no gap in the numbers.
    for (const later of segments.filter((found) => found > segment).reverse()) {
      await this.#vfs.remove(`${this.#dir}/${segmentName(later)}`);
      await this.#vfs.syncDir(this.#dir);
    }
    await cutBack(this.#vfs, `${this.#dir}/${segmentName(segment)}`, offset);
    const queued = [...this.#inFlight, ...this.#layout.take()];
    this.#layout = this.#layoutFrom(segment + 1);
    for (const { stored, compression } of recordsIn(queued)) this.#layout.appendEncoded(stored, compression);
    this.#inFlight = [];
    this.#pendingBytes = this.#layout.bytes;
    recycle(queued);
  }

  #layoutFrom(segment: number): LogLayout {
    return new LogLayout({ segment, segmentBytesMax: this.#settings.segmentBytesMax, codec: this.#settings.codec });
  }
}

/** Makes the file and its name durable: a record in a file without a name is lost. */
async function createSegment(vfs: Vfs, dir: string, segment: number): Promise<VfsFile> {
  const file = await vfs.open(`${dir}/${segmentName(segment)}`, 'create');
  try {
    await vfs.syncDir(dir);
    return file;
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

async function cutBack(vfs: Vfs, path: string, size: number): Promise<void> {
  const file = await vfs.open(path, 'update');
  try {
    await file.truncate(size);
    await file.datasync();
  } finally {
    await file.close().catch(() => undefined);
  }
}
