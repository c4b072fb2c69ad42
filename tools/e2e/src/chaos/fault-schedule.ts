import { KiB } from '@gauntlet/base';
import type { Random } from '../crash/random.js';
import type { ChaosFault } from './proxy.js';

/** A fault and how long it lasts; `undefined` is a while in which all is well. */
export interface Spell {
  readonly fault: ChaosFault | undefined;
  readonly lastsMs: number;
}

export interface SchedulePlan {
  readonly totalMs: number;
  /** No fault lasts longer, and none less than a quarter of it. */
  readonly spellMsMax: number;
}

/** Spells that last so long together, with short calms between them. Every kind of fault comes once before any comes again. */
export function faultSchedule(random: Random, { totalMs, spellMsMax }: SchedulePlan): Spell[] {
  const spells: Spell[] = [];
  let kinds: (keyof typeof faults)[] = [];
  for (let sumMs = 0; sumMs < totalMs;) {
    if (kinds.length === 0) kinds = shuffled(Object.keys(faults) as (keyof typeof faults)[], random);
    const isCalm = spells.length % 2 === 1;
    const spell = {
      fault: isCalm ? undefined : faults[kinds.pop() as keyof typeof faults](random),
      lastsMs: Math.min(totalMs - sumMs, isCalm ? random.whole(50, 200) : random.whole(spellMsMax / 4, spellMsMax)),
    };
    spells.push(spell);
    sumMs += spell.lastsMs;
  }
  return spells;
}

const faults = {
  delay: (random: Random): ChaosFault => ({
    kind: 'delay',
    delayMs: random.logarithmic(5, 2000),
    jitterMs: random.logarithmic(1, 500),
  }),
  loss: (random: Random): ChaosFault => ({ kind: 'loss', share: 0.05 + 0.5 * random.fraction(), retransmitMs: 200 }),
  halfOpen: (): ChaosFault => ({ kind: 'silence', of: 'all' }),
  lostAnswers: (): ChaosFault => ({ kind: 'silence', of: 'answers' }),
  reset: (random: Random): ChaosFault => ({ kind: 'reset', bytesMax: random.logarithmic(1, 64 * KiB) }),
  slowReads: (random: Random): ChaosFault => ({
    kind: 'slow-reads',
    bytesPerSecond: random.logarithmic(KiB, 32 * KiB),
  }),
  narrow: (random: Random): ChaosFault => ({ kind: 'narrow', bytesPerSecond: random.logarithmic(4 * KiB, 256 * KiB) }),
  refuse: (): ChaosFault => ({ kind: 'refuse' }),
} as const;

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
