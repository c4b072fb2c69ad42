/**
 * The bits of the stale marker: the NaN that ends a series. It is told by its bits: as a JavaScript number it is just NaN, and the
 * engine may change its payload.
 */
export const staleMarkerBits = 0x7ff0_0000_0000_0002n;
