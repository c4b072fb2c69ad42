import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { invariant, messageOf, OperationalError, systemClock } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { inThreadCutter, type BlockCutter, type CutJob } from './block-cutter.js';

type Answer =
  | { readonly id: number; readonly meta: BlockMeta | undefined }
  | { readonly id: number; readonly problem: string; readonly code: string | undefined };

/** The thread that writes blocks has failed to, or has died. */
export class BlockWorkerError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code: string;

  constructor(message: string, code = 'BLOCK_WORKER_FAILED') {
    super(message);
    this.code = code;
  }
}

/** A worker thread that has had nothing to do for so long is ended, and its memory with it. */
const idleMsMax = 60_000;

/**
 * Cuts blocks in a thread of its own, which is started by the first job. The event loop of this thread then only prepares snapshots.
 * @param file the program of the thread: it calls `serveBlockCuts`
 */
export class WorkerCutter implements BlockCutter {
  readonly #file: string;
  readonly #waiting = new Map<number, { resolve(meta: BlockMeta | undefined): void; reject(error: unknown): void }>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;

  constructor(file: string) {
    this.#file = file;
  }

  cut(job: CutJob): Promise<BlockMeta | undefined> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    return new Promise<BlockMeta | undefined>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        worker.postMessage({ id, job });
      } catch (error) {
        this.#waiting.delete(id);
        reject(error as Error);
      }
    }).finally(() => this.#rest());
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#file);
    const end = (problem: string): void => {
      if (this.#worker === worker) this.#worker = undefined;
      // Half a block is a temporary directory; the next start of the process removes it.
      for (const [id, { reject }] of this.#waiting) {
        this.#waiting.delete(id);
        reject(new BlockWorkerError(`Cannot cut block: ${problem}`));
      }
    };
    worker.on('message', (answer: Answer) => this.#answered(answer));
    worker.on('error', (error) => end(messageOf(error)));
    worker.on('exit', (code) => end(`the thread has ended with code ${code}`));
    // A process that has nothing left to do but to wait for its workers may end.
    worker.unref();
    return worker;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting === undefined) return;
    if ('problem' in answer) waiting.reject(new BlockWorkerError(answer.problem, answer.code));
    else waiting.resolve(answer.meta);
  }

  #rest(): void {
    if (this.#waiting.size > 0 || this.#worker === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, idleMsMax);
    this.#idle.unref();
  }
}

/** The other side: the whole program of a worker thread that cuts blocks. */
export function serveBlockCuts(vfs: Vfs): void {
  invariant(!isMainThread && parentPort !== null, 'blocks are cut in a worker thread');
  const port = parentPort;
  const cutter = inThreadCutter(vfs, systemClock);
  port.on('message', ({ id, job }: { readonly id: number; readonly job: CutJob }) => {
    void cutter.cut(job).then(
      (meta) => port.postMessage({ id, meta } satisfies Answer),
      (error: unknown) =>
        port.postMessage({
          id,
          problem: messageOf(error),
          code: (error as { readonly code?: string } | undefined)?.code,
        } satisfies Answer),
    );
  });
}
