/**
 * Timestamps beyond these are out of bounds. A JavaScript number cannot tell neighbours apart there, so that no block's range could be
 * trusted to hold them; 285,000 years are enough.
 */
export const timestampMsMax = Number.MAX_SAFE_INTEGER - 1;
export const timestampMsMin = -timestampMsMax;
