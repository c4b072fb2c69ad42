/** What a record is, by its first byte (spec/tsdb.md 2.3). Readers pass over types they do not know. */
export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  /** Only in the log of out-of-order samples: what of it is in finished chunks. */
  markers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customBucketHistograms: 9,
  customBucketFloatHistograms: 10,
  samplesV2: 11,
  histogramsV2: 12,
  floatHistogramsV2: 13,
} as const;

/** The type of a record, known or not; 0, which no type has, for an empty one. */
export function recordType(record: Uint8Array): number {
  return record[0] ?? 0;
}
