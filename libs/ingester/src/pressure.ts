/** How close to a limit the process is. */
export type Pressure =
  /** All is well. */
  | 'none'
  /** Writes go on; what can be given back is. */
  | 'tight'
  /** Writes are refused. */
  | 'over';

/** Shares of the memory limit at which a state begins, and at which it ends: apart, so that a process at the limit does not change its mind each second. */
const memoryShares = { over: 1, overEnds: 0.95, tight: 0.9, tightEnds: 0.85 };
/** Refusing ends when this much more than the minimum is free. */
const freeShare = 1 + 1 / 8;

/** @param bytesMax 0 for no limit */
export function memoryPressure(before: Pressure, usedBytes: number, bytesMax: number): Pressure {
  if (bytesMax <= 0) return 'none';
  const share = usedBytes / bytesMax;
  if (share > (before === 'over' ? memoryShares.overEnds : memoryShares.over)) return 'over';
  return share > (before === 'none' ? memoryShares.tight : memoryShares.tightEnds) ? 'tight' : 'none';
}

/** At its limit V8 ends the process, and what it collects costs more and more before: writes are refused with some room left. */
const heapShares = { over: 0.8, overEnds: 0.7 };

/**
 * @param usedBytes seen at the last looks. The least of them is the nearest to what is alive: the others count garbage.
 */
export function heapPressure(before: Pressure, usedBytes: readonly number[], bytesMax: number): Pressure {
  const share = Math.min(...usedBytes) / bytesMax;
  return share > (before === 'over' ? heapShares.overEnds : heapShares.over) ? 'over' : 'none';
}

/** @param bytesMin 0 for no limit */
export function diskPressure(before: Pressure, freeBytes: number, bytesMin: number): Pressure {
  if (bytesMin <= 0) return 'none';
  return freeBytes < (before === 'over' ? bytesMin * freeShare : bytesMin) ? 'over' : 'none';
}
