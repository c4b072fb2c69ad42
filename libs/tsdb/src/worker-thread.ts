import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { invariant, messageOf, minuteMs, OperationalError, systemClock } from '@gauntlet/base';
import type { BlockMeta } from '@gauntlet/block';
import type { Vfs } from '@gauntlet/vfs';
import { workInThread, type CheckpointJob, type CutJob, type HeavyWork } from './heavy-work.js';

type Request =
  | { readonly kind: 'cut block'; readonly job: CutJob }
  | { readonly kind: 'write checkpoint'; readonly job: CheckpointJob };
type Answer =
  | { readonly id: number; readonly result: BlockMeta | undefined }
  | { readonly id: number; readonly problem: string; readonly code: string | undefined };

interface Waiting {
  /** Who was asked: when another thread ends, this one still works. */
  readonly worker: Worker;
  readonly kind: Request['kind'];
  resolve(result: BlockMeta | undefined): void;
  reject(error: unknown): void;
}

/** The thread for heavy work could not do a piece of it, or has died. */
export class WorkerThreadError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code: string;

  constructor(message: string, code = 'WORKER_FAILED') {
    super(message);
    this.code = code;
  }
}

/** A worker thread that has had nothing to do for so long is ended, and its memory with it. */
const idleMsMax = minuteMs;

/**
 * Does heavy work in a thread of its own, which is started by the first job. The event loop of this thread then only prepares snapshots.
 * @param file the program of the thread: it calls `serveHeavyWork`
 */
export class WorkerThread implements HeavyWork {
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;

  constructor(file: string) {
    this.#file = file;
  }

  cutBlock(job: CutJob): Promise<BlockMeta | undefined> {
    return this.#ask({ kind: 'cut block', job });
  }

  async writeCheckpoint(job: CheckpointJob): Promise<void> {
    await this.#ask({ kind: 'write checkpoint', job });
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #ask(request: Request): Promise<BlockMeta | undefined> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    return new Promise<BlockMeta | undefined>((resolve, reject) => {
      this.#waiting.set(id, { worker, kind: request.kind, resolve, reject });
      try {
        worker.postMessage({ id, ...request });
      } catch (error) {
        this.#waiting.delete(id);
        reject(error as Error);
      }
    }).finally(() => this.#rest());
  }

  #start(): Worker {
    const worker = new Worker(this.#file);
    const end = (problem: string): void => {
      if (this.#worker === worker) this.#worker = undefined;
      // Half a block or checkpoint has a temporary name; the next one, or the next start of the process, removes it.
      for (const [id, { worker: asked, kind, reject }] of this.#waiting) {
        if (asked !== worker) continue;
        this.#waiting.delete(id);
        reject(new WorkerThreadError(`Cannot ${kind}: ${problem}`));
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
    if ('problem' in answer) waiting.reject(new WorkerThreadError(answer.problem, answer.code));
    else waiting.resolve(answer.result);
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

/** The other side: the whole program of a worker thread. */
export function serveHeavyWork(vfs: Vfs): void {
  invariant(!isMainThread && parentPort !== null, 'heavy work is served in a worker thread');
  const port = parentPort;
  const work = workInThread(vfs, systemClock);
  const answer = async (request: Request): Promise<BlockMeta | undefined> => {
    if (request.kind === 'cut block') return work.cutBlock(request.job);
    await work.writeCheckpoint(request.job);
    return undefined;
  };
  port.on('message', ({ id, ...request }: Request & { readonly id: number }) => {
    void answer(request as Request).then(
      (result) => port.postMessage({ id, result } satisfies Answer),
      (error: unknown) =>
        port.postMessage({
          id,
          problem: messageOf(error),
          code: (error as { readonly code?: string } | undefined)?.code,
        } satisfies Answer),
    );
  });
}
