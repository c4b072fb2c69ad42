/**
 * A series: 80 bytes, then its labels in canonical form, so that comparing labels and appending touch neighbouring cache lines.
 *
 *    0  u64  ref
 *    8  i64  timestamp of the newest sample in order
 *   16  u64  bits of its value
 *   24  i64  nextAt: from here on a new chunk is cut
 *   32  i64  last timestamp delta
 *   40  u32  open chunk: its payload, count field included; 0 for none
 *   44  u16  its capacity in bytes
 *   46  u16  its length in bits
 *   48  u16  its samples; the count field in the payload is set when the chunk is finished
 *   50  u8   leading zero bits of the value window; 255 for none
 *   51  u8   trailing zero bits
 *   52  u32  length of the labels
 *   56  i64  timestamp of the first sample of the open chunk, or of the host's
 *   64  u32  oldest and
 *   68  u32  newest finished chunk; 0 for none
 *   72  u32  low half of the labels' hash
 *   76  u8   flags: 1 host (the newest sample is a histogram), 2 pinned, 4 the host has an open chunk, 8 may have unstored chunks,
 *            16 another ref of the WAL stands for it, too (while a replay runs)
 *   80       labels
 *
 * It has samples if it has an open chunk, a finished one, or is the host's; a host's series has no open chunk of its own.
 *
 * A finished chunk
 *    0  i64  min time
 *    8  i64  max time
 *   16  u32  next chunk; 0 for none. It and `oldest` are stored atomically, and last: other threads walk the list
 *   20  u32  data length
 *   24  u16  samples
 *   26  u8   encoding
 *   27  u8   flags: 1 stored
 *   28       data (of encoding 1: count field and stream); of a stored one u32 file, u32 offset
 */
export const sRef: usize = 0;
export const sMaxTime: usize = 8;
export const sLastBits: usize = 16;
export const sNextAt: usize = 24;
export const sDelta: usize = 32;
export const sOpen: usize = 40;
export const sCapacity: usize = 44;
export const sBits: usize = 46;
export const sCount: usize = 48;
export const sLead: usize = 50;
export const sTrail: usize = 51;
export const sLabelsLength: usize = 52;
export const sMinTime: usize = 56;
export const sOldest: usize = 64;
export const sNewest: usize = 68;
export const sTag: usize = 72;
export const sFlags: usize = 76;
export const sLabels: usize = 80;

export const flagHost: u8 = 1;
export const flagPinned: u8 = 2;
export const flagHostOpen: u8 = 4;
export const flagUnstored: u8 = 8;
export const flagRedirected: u8 = 16;

export const cMinTime: usize = 0;
export const cMaxTime: usize = 8;
export const cNext: usize = 16;
export const cLength: usize = 20;
export const cCount: usize = 24;
export const cEncoding: usize = 26;
export const cFlags: usize = 27;
export const cData: usize = 28;
export const cFile: usize = 28;
export const cOffset: usize = 32;
export const storedBytes: u32 = 36;
export const chunkStored: u8 = 1;
