import { once } from 'node:events';
import { Worker, type MessagePort } from 'node:worker_threads';
import { StoreClient, type StoreAnswer } from './store-client.js';

export interface ReaderPlan {
  readonly port: number;
  /** A `thanos.SeriesRequest`. */
  readonly request: Uint8Array;
  /** Calls again and again and takes all that is answered; or takes one message and then none, with the call open. */
  readonly how: 'takes all' | 'stops reading';
  readonly callsMax?: number;
}

type Report =
  | { readonly kind: 'connected' }
  | { readonly kind: 'answered'; readonly answer: StoreAnswer }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'failed'; readonly problem: string };

/** Reads from an ingester in a thread of its own: connected when it is there, and reading from `begin` to `end`. */
export class ReaderThread {
  readonly answers: StoreAnswer[] = [];
  readonly #worker: Worker;
  readonly #changes = new EventTarget();
  #isConnected = false;
  #isStalled = false;
  #problem: string | undefined;

  constructor(file: string, plan: ReaderPlan) {
    this.#worker = new Worker(file, { workerData: plan });
    this.#worker.on('message', (report: Report) => this.#take(report));
    this.#worker.on('error', (error) => this.#take({ kind: 'failed', problem: error.message }));
  }

  untilConnected(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#isConnected, signal);
  }

  begin(): void {
    this.#worker.postMessage('begin');
  }

  /** Until a whole answer was taken, or the first message by one that takes no more. */
  untilRead(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#isStalled || this.answers.length > 0, signal);
  }

  /** Cancels the call that is under way. Rejects when one has failed before. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    if (this.#problem !== undefined) throw new Error(`Cannot read all series: ${this.#problem}`);
  }

  #take(report: Report): void {
    switch (report.kind) {
      case 'connected':
        this.#isConnected = true;
        break;
      case 'answered':
        this.answers.push(report.answer);
        break;
      case 'stalled':
        this.#isStalled = true;
        break;
      case 'failed':
        this.#problem ??= report.problem;
        break;
    }
    this.#changes.dispatchEvent(new Event('change'));
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo()) {
      if (this.#problem !== undefined) throw new Error(`Cannot read all series: ${this.#problem}`);
      await once(this.#changes, 'change', { signal });
    }
  }
}

/** The other side, in the thread. It ends with the thread. */
export function runReader({ port, request, how, callsMax = Infinity }: ReaderPlan, parent: MessagePort): void {
  const client = new StoreClient(port);
  const report = (message: Report): void => parent.postMessage(message);
  const run = async (): Promise<void> => {
    await client.untilConnected();
    report({ kind: 'connected' });
    await once(parent, 'message');
    if (how === 'stops reading') {
      await client.stall('Series', Buffer.from(request), new AbortController().signal);
      report({ kind: 'stalled' });
      // Something must wait for ever, or the thread would be done.
      await once(parent, 'message');
    }
    for (let calls = 0; calls < callsMax; calls += 1) {
      const answer = await client.call('Series', Buffer.from(request));
      if (answer.warnings[0] !== undefined) throw new Error(answer.warnings[0]);
      report({ kind: 'answered', answer });
    }
  };
  run()
    .catch((error: unknown) =>
      report({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) }),
    )
    .finally(() => client.close());
}
