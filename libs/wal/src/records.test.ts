import fc from 'fast-check';
import { CheckpointFilter } from './checkpoint-filter.js';
import {
  decodeExemplars,
  decodeMarkers,
  decodeMetadata,
  decodeSamples,
  decodeSeries,
  decodeTombstones,
  encodeExemplars,
  encodeMarkers,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  RecordMalformedError,
} from './index.js';
import { goldenLines, type GoldenRecord } from './testing/golden.js';

type Fields = readonly string[];
const labelsOf = (pairs: unknown): { name: string; value: string }[] =>
  (pairs as [string, string][]).map(([name, value]) => ({ name, value }));
const bitsOf = (hex: string | undefined): bigint => BigInt(`0x${hex}`);

/** How the recordings write the entries of a type, in our terms. */
const kinds = {
  series: {
    decode: decodeSeries,
    encode: encodeSeries,
    entry: ([ref, labels]: Fields) => ({ ref: Number(ref), labels: labelsOf(labels) }),
  },
  samples: {
    decode: decodeSamples,
    encode: encodeSamples,
    entry: ([ref, t, bits]: Fields) => ({ ref: Number(ref), timestampMs: BigInt(t ?? ''), valueBits: bitsOf(bits) }),
  },
  tombstones: {
    decode: decodeTombstones,
    encode: encodeTombstones,
    entry: ([ref, from, to]: Fields) => ({
      ref: Number(ref),
      minTimeMs: BigInt(from ?? ''),
      maxTimeMs: BigInt(to ?? ''),
    }),
  },
  exemplars: {
    decode: decodeExemplars,
    encode: encodeExemplars,
    entry: ([ref, t, bits, labels]: Fields) => ({
      ref: Number(ref),
      timestampMs: BigInt(t ?? ''),
      valueBits: bitsOf(bits),
      labels: labelsOf(labels),
    }),
  },
  mmapMarkers: {
    decode: decodeMarkers,
    encode: encodeMarkers,
    entry: ([ref, chunkRef]: Fields) => ({ ref: Number(ref), chunkRef: BigInt(chunkRef ?? '') }),
  },
  metadata: {
    decode: decodeMetadata,
    encode: encodeMetadata,
    entry: ([ref, type, unit, help]: Fields) => ({ ref: Number(ref), type: Number(type), unit, help }),
  },
} as const;

const golden = [
  'good/all-records-none/records',
  'good/all-records-v2-none/records',
  'good/edges-64KiB-segments-none/records',
  'checkpoint/checkpoint-records',
  'wbl/wal-records',
  'wbl/wbl-records',
].flatMap((name) => goldenLines<GoldenRecord>(`${name}.jsonl.gz`));

test.each(Object.entries(kinds))('recorded %s decode as recorded and encode to the same bytes', (type, kind) => {
  const records = golden.filter((one) => one.type === type);
  expect(records.length).toBeGreaterThan(0);
  for (const { record, decoded } of records) {
    const bytes = Buffer.from(record, 'base64');
    // Version 2 of the samples goes under the same name.
    if (type === 'samples' && bytes[0] !== 2) continue;
    const entries = kind.decode(bytes);
    expect(entries).toEqual((decoded as Fields[]).map((fields) => kind.entry(fields)));
    expect(Buffer.from((kind.encode as (entries: unknown) => Uint8Array)(entries)).toString('base64')).toBe(record);
  }
});

test('the checkpoint filter passes every recorded record of samples when all of it is new, and none when all is old', () => {
  const types = new Set<number>();
  for (const { record } of golden) {
    const bytes = Buffer.from(record, 'base64');
    const type = bytes[0] ?? 0;
    if (![2, 4, 7, 8, 9, 10, 11, 12, 13].includes(type)) continue;
    types.add(type);
    expect(new CheckpointFilter({ minTimeMs: 0, keep: () => false }).take(bytes)).toBe(bytes);
    expect(new CheckpointFilter({ minTimeMs: 1.8e12, keep: () => true }).take(bytes)).toBeUndefined();
  }
  expect([...types].sort((a, b) => a - b)).toEqual([2, 4, 7, 8, 9, 10, 11, 12, 13]);
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const ref = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test('samples and markers decode to what was encoded, whatever their bits', () => {
  const sample = fc.record(
    { ref, timestampMs: int64, valueBits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(fc.array(sample), (entries) => expect(decodeSamples(encodeSamples(entries))).toEqual(entries)));
  const marker = fc.record({ ref, chunkRef: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(marker), (entries) => expect(decodeMarkers(encodeMarkers(entries))).toEqual(entries)));
});

test('series, tombstones, exemplars and metadata decode to what was encoded', () => {
  const options = { noNullPrototype: true };
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  const labels = fc.array(fc.record({ name: text, value: text }, options), { maxLength: 5 });
  const valueBits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const series = fc.record({ ref, labels }, options);
  const tombstone = fc.record({ ref, minTimeMs: int64, maxTimeMs: int64 }, options);
  const exemplar = fc.record({ ref, timestampMs: int64, valueBits, labels }, options);
  const metadata = fc.record({ ref, type: fc.nat(255), unit: text, help: text }, options);
  fc.assert(
    fc.property(
      fc.array(series),
      fc.array(tombstone),
      fc.array(exemplar),
      fc.array(metadata),
      (someSeries, tombstones, exemplars, someMetadata) => {
        expect(decodeSeries(encodeSeries(someSeries))).toEqual(someSeries);
        expect(decodeTombstones(encodeTombstones(tombstones))).toEqual(tombstones);
        expect(decodeExemplars(encodeExemplars(exemplars))).toEqual(exemplars);
        expect(decodeMetadata(encodeMetadata(someMetadata))).toEqual(someMetadata);
      },
    ),
  );
});

test('a record cut or changed anywhere decodes or is malformed, and nothing else', () => {
  const records = golden
    .map(({ record }) => Buffer.from(record, 'base64'))
    .filter((record) => record.length > 1 && record.length < 30_000);
  const decoders = [decodeSeries, decodeSamples, decodeTombstones, decodeExemplars, decodeMarkers, decodeMetadata];
  fc.assert(
    fc.property(
      fc.nat({ max: records.length - 1 }),
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.boolean(),
      (index, place, byte, cut) => {
        const bytes = Buffer.from(records[index] as Buffer);
        const at = 1 + (place % (bytes.length - 1));
        bytes[at] = byte;
        const damaged = cut ? bytes.subarray(0, at) : bytes;
        for (const act of [
          () => decoders[(damaged[0] ?? 0) - 1]?.(damaged),
          () => new CheckpointFilter({ minTimeMs: 1.70000003e12, keep: (one) => one % 2 === 0 }).take(damaged),
        ]) {
          try {
            act();
          } catch (error) {
            expect(error).toBeInstanceOf(RecordMalformedError);
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});
