import type { Clock } from '@gauntlet/base';

/** A wall clock that stands where the test puts it; sleeping takes a turn. */
export class LabClock implements Clock {
  now = 0;
  nowMs = () => this.now;
  monotonicMs = () => this.now;
  sleep = (_delayMs: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) =>
      setImmediate(() => (signal?.aborted ? reject(signal.reason as Error) : resolve())),
    );
}
