import { parseTextFormat, sumOf } from '@gauntlet/stack-tool';
import { type Maker } from './bench-arguments.js';
import { type Member } from './fleet.js';
import { durationMsOf, findLogLines } from './log-file.js';

/** When a block was cut, and what the cut covers truncated, in Unix milliseconds. */
export interface Cut {
  readonly beginMs: number;
  readonly endMs: number;
}

/** How each says that a block is written, and in which field how long that took. */
const written: Readonly<Record<Maker, { readonly message: string; readonly duration: string }>> = {
  gauntlet: { message: 'block is cut', duration: 'seconds' },
  thanos: { message: 'write block', duration: 'duration' },
};
/** What Thanos says of the work that follows; ours only counts it. */
const thanosEnds = ['Head GC completed', 'WAL checkpoint complete'];
const ourCounters = ['prometheus_tsdb_compactions_total', 'prometheus_tsdb_checkpoint_creations_total'];

/** Looks at an ingester from time to time until it has cut a block. */
export class CutWatch {
  readonly #maker: Maker;
  readonly #ingester: Member;
  #cut: Cut | undefined;
  #counted = 0;

  constructor(maker: Maker, ingester: Member) {
    this.#maker = maker;
    this.#ingester = ingester;
  }

  /** The first cut, once its block is written. Its end moves while work that belongs to it goes on. */
  async look(): Promise<Cut | undefined> {
    const { message, duration } = written[this.#maker];
    const [line] = findLogLines(this.#ingester.logFile, message);
    if (line === undefined) return undefined;
    const beginMs = line.atMs - durationMsOf(line.fields[duration] ?? '');
    this.#cut = { beginMs, endMs: Math.max(this.#cut?.endMs ?? line.atMs, await this.#lastEndMs(line.atMs)) };
    return this.#cut;
  }

  async #lastEndMs(writtenMs: number): Promise<number> {
    if (this.#maker === 'thanos') {
      const ends = thanosEnds.flatMap((message) => findLogLines(this.#ingester.logFile, message).slice(0, 1));
      return Math.max(writtenMs, ...ends.map(({ atMs }) => atMs));
    }
    const samples = parseTextFormat(await this.#ingester.metrics());
    // Each counts once: what comes later belongs to the next cut.
    const counted = ourCounters.reduce((sum, name) => sum + Math.min(1, sumOf(samples, name) ?? 0), 0);
    if (counted === this.#counted) return writtenMs;
    this.#counted = counted;
    return Date.now();
  }
}
