import { messageOf, MiB, secondMs, type Clock, type Log } from '@gauntlet/base';
import { diskPressure, heapPressure, memoryPressure, type Pressure } from './pressure.js';
import { WriteFailedError } from './verdict.js';

export interface WriteGuardOptions {
  /** 0 for no limit. */
  readonly freeDiskBytesMin: number;
  /** 0 for no limit. */
  readonly memoryBytesMax: number;
  /** Of the disk that the data directory is on. */
  readonly freeDiskBytes: () => Promise<number>;
  readonly usedMemoryBytes: () => number;
  /** V8's heap, which ends the process when it is full: histograms and samples out of order live there, beside the memory of the kernels. */
  readonly heap: () => { readonly usedBytes: number; readonly bytesMax: number };
  /** Gives back what memory can be: moves chunks from heads to disk. */
  readonly relieve: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const checkIntervalMs = secondMs;
/** Looks at the heap that are compared. */
const heapLooks = 3;
const relieveIntervalMs = 10 * secondMs;

/**
 * Refuses writes before the disk is full or the memory is, so that what was taken can still be cut, shipped and truncated, and takes them
 * again by itself. Nothing but writes is refused.
 *
 * Disk and memory each are in one of three states (`Pressure`). With `tight` memory heads are asked to move chunks to disk, and tenants that
 * are not open are refused; with either of them `over` every write is.
 */
export class WriteGuard {
  readonly #options: WriteGuardOptions;
  #disk: Pressure = 'none';
  #memory: Pressure = 'none';
  #heap: Pressure = 'none';
  #heapBytes: readonly number[] = [];
  #freeDiskBytes = Infinity;
  #usedMemoryBytes = 0;
  #relieving = false;
  #relievedMs = -Infinity;
  /** The last check of the disk failed; said once. */
  #blind = false;

  constructor(options: WriteGuardOptions) {
    this.#options = options;
  }

  get disk(): Pressure {
    return this.#disk;
  }

  /** The heap included. */
  get memory(): Pressure {
    return this.#heap === 'over' ? 'over' : this.#memory;
  }

  get freeDiskBytes(): number {
    return this.#freeDiskBytes;
  }

  get usedMemoryBytes(): number {
    return this.#usedMemoryBytes;
  }

  /** Why writes are refused, for `/-/ready`; empty while they are taken. */
  get reasons(): string[] {
    const { freeDiskBytesMin, memoryBytesMax } = this.#options;
    const reasons: string[] = [];
    if (this.#disk === 'over')
      reasons.push(
        `${mib(this.#freeDiskBytes)} are free on the disk, below --tsdb.min-free-disk of ${mib(freeDiskBytesMin)}`,
      );
    if (this.#memory === 'over')
      reasons.push(
        `${mib(this.#usedMemoryBytes)} of memory are in use, above --tsdb.max-memory of ${mib(memoryBytesMax)}`,
      );
    if (this.#heap === 'over')
      reasons.push(
        `${mib(Math.min(...this.#heapBytes))} of the JavaScript heap are in use, of at most ${mib(this.#options.heap().bytesMax)} (--max-old-space-size in NODE_OPTIONS)`,
      );
    return reasons;
  }

  /** The answer to every write; undefined while they are taken. */
  refusal(): WriteFailedError | undefined {
    if (this.#disk !== 'over' && this.memory !== 'over') return undefined;
    // A full disk is the whole ingester's: routers may leave it alone for a while. Too much in memory passes sooner.
    const kind = this.#disk === 'over' ? 'unavailable' : 'overloaded';
    return new WriteFailedError(kind, `Cannot take write: ${this.reasons.join('; ')}`, 'ingester');
  }

  /** The answer to a write that would open one more database; undefined while there is room for it. */
  refusalToOpen(tenant: string): WriteFailedError | undefined {
    if (this.#memory === 'none') return this.refusal();
    return new WriteFailedError(
      'overloaded',
      `Cannot open database of tenant ${tenant}: ${mib(this.#usedMemoryBytes)} of memory are in use, close to --tsdb.max-memory`,
    );
  }

  /** Checks once a second until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.check();
      await this.#options.clock.sleep(checkIntervalMs, signal).catch(() => {});
    }
  }

  /** Looks at disk and memory once. */
  async check(): Promise<void> {
    this.#checkMemory();
    this.#checkHeap();
    await this.#checkDisk();
  }

  #checkMemory(): void {
    const { usedMemoryBytes, memoryBytesMax, log, clock } = this.#options;
    const before = this.#memory;
    this.#usedMemoryBytes = usedMemoryBytes();
    this.#memory = memoryPressure(before, this.#usedMemoryBytes, memoryBytesMax);
    if (this.#memory !== before)
      log[this.#memory === 'over' ? 'error' : 'warn']('memory pressure has changed', {
        from: before,
        to: this.#memory,
        usedBytes: this.#usedMemoryBytes,
        bytesMax: memoryBytesMax,
      });
    if (this.#memory !== 'none' && !this.#relieving && clock.monotonicMs() - this.#relievedMs >= relieveIntervalMs)
      void this.#relieve();
  }

  #checkHeap(): void {
    const { heap, log } = this.#options;
    const before = this.#heap;
    const { usedBytes, bytesMax } = heap();
    this.#heapBytes = [...this.#heapBytes, usedBytes].slice(-heapLooks);
    if (this.#heapBytes.length < heapLooks) return;
    this.#heap = heapPressure(before, this.#heapBytes, bytesMax);
    if (this.#heap === before) return;
    const fields = { usedBytes: Math.min(...this.#heapBytes), bytesMax };
    if (this.#heap === 'over') log.error('the JavaScript heap is nearly full: writes are refused', fields);
    else log.info('the JavaScript heap has room again: writes are taken', fields);
  }

  async #relieve(): Promise<void> {
    const { relieve, log, clock } = this.#options;
    this.#relieving = true;
    this.#relievedMs = clock.monotonicMs();
    try {
      await relieve();
    } catch (error) {
      log.error('chunks could not be moved to disk', { error: messageOf(error) });
    } finally {
      this.#relieving = false;
    }
  }

  async #checkDisk(): Promise<void> {
    const { freeDiskBytes, freeDiskBytesMin, log } = this.#options;
    const before = this.#disk;
    try {
      this.#freeDiskBytes = await freeDiskBytes();
      this.#blind = false;
    } catch (error) {
      // Nothing is known: what was decided stands, and a disk that is broken says so at the next write.
      if (!this.#blind) log.error('free space of the disk cannot be told', { error: messageOf(error) });
      this.#blind = true;
      return;
    }
    this.#disk = diskPressure(before, this.#freeDiskBytes, freeDiskBytesMin);
    if (this.#disk === before) return;
    const fields = { freeBytes: this.#freeDiskBytes, bytesMin: freeDiskBytesMin };
    if (this.#disk === 'over') log.error('the disk is nearly full: writes are refused', fields);
    else log.info('the disk has room again: writes are taken', fields);
  }
}

const mib = (bytes: number): string => `${Math.floor(bytes / MiB)} MiB`;
