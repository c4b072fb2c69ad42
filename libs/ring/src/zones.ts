import type { Endpoint } from './hashring-config.js';

/** How many endpoints each zone has, in the order in which zones appear. */
export function zoneSizes(endpoints: readonly Endpoint[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { zone } of endpoints) sizes.set(zone, (sizes.get(zone) ?? 0) + 1);
  return sizes;
}

/** How many replicas a ring can hold: they rotate over its zones, so none takes more than one beyond what the smallest can. */
export function replicasMax(sizes: readonly number[]): number {
  const smallest = sizes.reduce((a, b) => Math.min(a, b), Infinity);
  return sizes.reduce((sum, size) => sum + (sizes.length === 1 ? size : Math.min(size, smallest + 1)), 0);
}

/**
 * Whether every ring of `count` endpoints, drawn from zones of those sizes without regard to them, holds that many replicas.
 * The worst draw has a zone with few endpoints, m, and all others in as few zones as possible: a zone then counts m + 1, or m.
 */
export function anyDrawHolds(replicas: number, count: number, sizes: readonly number[]): boolean {
  if (replicas > count) return false;
  const descending = [...sizes].sort((a, b) => b - a);
  for (let least = 1; least < replicas; least += 1) {
    const others = descending.filter((size) => size >= least);
    others.pop(); // The zone with the fewest is best taken from the smallest that has as many.
    for (let zones = 2; zones * least < replicas && zones - 1 <= others.length; zones += 1) {
      let beyond = count - zones * least;
      if (beyond < 0) break;
      let larger = 0;
      for (; beyond > 0 && larger < zones - 1; larger += 1) beyond -= (others[larger] as number) - least;
      if (beyond <= 0 && zones * least + larger < replicas) return false;
    }
  }
  return true;
}
