/**
 * The table that a scan of a write request leaves behind, and that the head reads. Both live in linear memory, so that
 * no series becomes a JavaScript object on the way. All fields are little-endian; offsets count from the start of the body.
 *
 * ```
 * row (56 bytes), one for each TimeSeries, in wire order
 *    0  u64  labelsHash     XXH64 over name FF value FF ..., seed 0: finds the series in the head
 *    8  u64  routeHash      XXH64 over tenant FF name FF value FF ..., seed 0: places it on the ring (spec/receive.md 3.5)
 *   16  u32  labelsOffset   the canonical labels: for each label 0A len 0A len name 12 len value, minimal varints,
 *   20  u32  labelsLength   as the senders write them. A series written otherwise is rewritten behind the body first.
 *   24  u32  firstSample    index into the samples
 *   28  u32  sampleCount
 *   32  u32  seriesOffset   the whole field as received, tag and length included: what a router forwards
 *   36  u32  seriesLength
 *   40  u32  histogramCount
 *   44  u32  exemplarCount
 *   48  u8   verdict        RowVerdict: whether an ingester may store it (routers forward it all the same)
 *   49  u8   -
 *   50  u16  group          index of its tenant group
 *   52  u32  labelCount
 * sample (16 bytes)
 *    0  i64  timestampMs
 *    8  u64  bits of the value (NaN payloads and the sign of zero survive)
 * group (16 bytes), one for each tenant of the request
 *    0  u32  tenantOffset    UTF-8, not validated; length 0 when the request names none
 *    4  u32  tenantLength
 *    8  u32  firstRow        its rows are contiguous
 *   12  u32  rowCount
 * ```
 */
export const rowBytes = 56;
/** Where the fields of a row lie. */
export const rowField = {
  labelsHash: 0,
  routeHash: 8,
  labelsOffset: 16,
  labelsLength: 20,
  firstSample: 24,
  sampleCount: 28,
  seriesOffset: 32,
  seriesLength: 36,
  histogramCount: 40,
  exemplarCount: 44,
  verdict: 48,
  group: 50,
  labelCount: 52,
} as const;
export const sampleBytes = 16;
export const groupBytes = 16;

/** What an ingester says of a series' labels, in the order in which it checks (spec/receive.md 6.2). */
export const RowVerdict = {
  ok: 0,
  /** No label at all, or an empty name or value. */
  emptyLabel: 1,
  /** A name equal to the one before it. */
  duplicateLabel: 2,
  /** A name smaller than the one before it. */
  unsortedLabel: 3,
} as const;
export type RowVerdict = (typeof RowVerdict)[keyof typeof RowVerdict];

/**
 * A scanned request. Every view lies in the linear memory of the intake that made it, and is valid until that intake's
 * next call: whoever needs the bytes longer copies them.
 */
export interface ScannedBatch {
  /** The decompressed message and, behind it, labels rewritten to canonical form. */
  readonly body: Uint8Array;
  readonly rows: Uint8Array;
  readonly rowCount: number;
  readonly samples: Uint8Array;
  readonly sampleCount: number;
  readonly groups: Uint8Array;
  readonly groupCount: number;
  /** Sums over all rows. */
  readonly histogramCount: number;
  readonly exemplarCount: number;
  /** Metadata entries seen and left out (remote write 1.0 field 3). */
  readonly metadataCount: number;
  /** Field 3 of thanos.WriteRequest; 0 when absent. */
  readonly replica: number;
}
