/** Seeded random numbers: the same seed gives the same run. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** A whole number in [from, to). */
  whole(from: number, to: number): number;
  /** The same, with every order of magnitude as likely as any other. */
  logarithmic(from: number, to: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** splitmix32: small, and neighbouring seeds give unlike sequences. */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const fraction = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number): number => from + Math.floor(fraction() * (to - from));
  return {
    fraction,
    whole,
    logarithmic: (from, to) => Math.floor(from * (to / from) ** fraction()),
    chance: (share) => fraction() < share,
    pick: (items) => items[whole(0, items.length)] as (typeof items)[number],
    bytes: (length) => Uint8Array.from({ length }, () => whole(0, 256)),
  };
}

/** A whole number of 32 bits that a text stands for (FNV-1a): values that can be worked out again. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  // FNV's high bits depend little on the last characters.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
