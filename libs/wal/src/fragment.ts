import { KiB, MiB } from '@gauntlet/base';

/**
 * Segments are rows of pages of 32 KiB; a record lies in them as one fragment or several, none of which crosses a page.
 *
 *   0       1        3        7
 *   ┌───────┬────────┬────────┬─────────────┐
 *   │ flags │ length │ crc32c │ payload ... │   big-endian; length and checksum cover the payload only
 *   └───────┴────────┴────────┴─────────────┘
 *
 * Bits 0-2 of the flags are the type, bit 3 says that the record is compressed with snappy's block format, bit 4 with Zstandard;
 * the others are ignored. Records are compressed whole and then cut into fragments. What a page has left when no header fits,
 * and what a finished segment's last page has left, is zero.
 *
 * A fragment counts only if (1) its length is at most 32,761, (2) the checksum matches, and (3) its type may follow the one
 * before: full, or first middle* last, in one segment. A zero byte in a header's place ends the page, and only zeros may follow it
 * there. A segment that ends within a page reads as if zeros followed. Reading stops before the first misfit.
 */
export const pageBytes = 32 * KiB;
export const headerBytes = 7;
export const fragmentBytesMax = pageBytes - headerBytes;

export const FragmentType = { pageEnd: 0, full: 1, first: 2, middle: 3, last: 4 } as const;
export const typeMask = 0x07;
export const snappyFlag = 0x08;
export const zstdFlag = 0x10;

export const segmentBytesMaxDefault = 128 * MiB;
/** No compressed record decodes to more; a reader need not believe one that says so. */
export const recordBytesMax = 256 * MiB;
