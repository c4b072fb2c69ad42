/**
 * The table that a scan of a write request leaves behind, and that the head reads. It is the same for all schemas. Both live in linear memory, so that
 * no series becomes a JavaScript object on the way. All fields are little-endian; offsets count from the start of the body.
 *
 * ```
 * row (56 bytes), one for each TimeSeries, in wire order
 *    0  u64  labelsHash     XXH64 over name FF value FF ..., seed 0: finds the series in the head
 *    8  u64  routeHash      XXH64 over tenant FF name FF value FF ..., seed 0: places it on the ring (spec/receive.md 3.5)
 *   16  u32  labelsOffset   the canonical labels: for each label 0A len 0A len name 12 len value, minimal varints,
 *   20  u32  labelsLength   as the senders write them. A series written otherwise is rewritten behind the body first; remote
 *                           write 2.0 always is, and its labels are sorted by name.
 *   24  u32  firstSample    index into the samples
 *   28  u32  sampleCount
 *   32  u32  seriesOffset   the whole field as received, tag and length included: what a router forwards. Of remote write 2.0,
 *   36  u32  seriesLength   a field 1 of 1.0 written behind the body, which begins with the row's labels (see below)
 *   40  u32  histogramCount
 *   44  u32  exemplarCount
 *   48  u8   verdict        RowVerdict: whether an ingester may store it (routers forward it all the same, but not what 2.0 refuses)
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
 *
 * The field that stands for a series of remote write 2.0 holds labels, then samples, exemplars and histograms in the order in which they came.
 * Symbols of labels and exemplars are resolved, both sorted by name; metadata and unknown fields of the series are left out. Samples and
 * histograms keep all that their messages held: start timestamps, fields 3 and 17, are unknown to 1.0, whose decoders skip them.
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

/**
 * What there is to say against a series. The first three are what an ingester says of its labels, in the order in which it checks (spec/receive.md 6.2).
 * Scans of remote write 2.0 never find `unsortedLabel`, and add the others, as the Prometheus receiver has them; of several that hold, the first in
 * this order is told: badReference, emptyLabel, notUtf8, nameMissing, duplicateLabel, noItems.
 */
export const RowVerdict = {
  ok: 0,
  /** No label at all, or an empty name or value. */
  emptyLabel: 1,
  /** A name equal to the one before it. */
  duplicateLabel: 2,
  /** A name smaller than the one before it. */
  unsortedLabel: 3,
  /**
   * A reference of the labels, of an exemplar or of the metadata is outside of the symbol table, or labels or an exemplar have an odd number of them.
   * Such a row has counts and samples, but no labels and an empty field.
   */
  badReference: 4,
  /** A name or value is not valid UTF-8. Texts of exemplars may be anything. */
  notUtf8: 5,
  /** No label `__name__`. */
  nameMissing: 6,
  /** No sample, no histogram and no exemplar. */
  noItems: 7,
} as const;
export type RowVerdict = (typeof RowVerdict)[keyof typeof RowVerdict];

/**
 * A scanned request. Every view lies in the linear memory of the intake that made it, and is valid until that intake's
 * next call: whoever needs the bytes longer copies them.
 */
export interface ScannedBatch {
  /** The decompressed message and, behind it, labels rewritten to canonical form, or the series of remote write 2.0. */
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
  /** Rows whose verdict is not `ok`. */
  readonly refusedCount: number;
  /** Metadata entries seen and left out: field 3 of remote write 1.0, or series of 2.0 that have metadata. */
  readonly metadataCount: number;
  /** Field 3 of thanos.WriteRequest; 0 when absent. */
  readonly replica: number;
}
