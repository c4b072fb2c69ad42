/** Bytes in a kibibyte, mebibyte and gibibyte. */
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** Milliseconds in a second and minute. */
export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
