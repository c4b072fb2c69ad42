/**
 * The bits of the stale marker: the NaN that ends a series. It is told by its bits, high and low half: as a JavaScript number
 * it is just NaN, and the engine may change its payload.
 */
export const staleBits = 0x7ff0_0000_0000_0002n;
export const staleBitsHigh = 0x7ff00000;
export const staleBitsLow = 0x00000002;

export function isStale(bitsHigh: number, bitsLow: number): boolean {
  return bitsHigh === staleBitsHigh && bitsLow === staleBitsLow;
}
