import type { Histogram } from '@gauntlet/chunk';
import { RowVerdict, groupBytes, rowBytes, sampleBytes, xxh64, type ScannedBatch } from '@gauntlet/kernel';
import { encodeWriteRequest, type Histogram as SentHistogram } from '@gauntlet/remote-write';

export type TestLabels = readonly (readonly [string, string])[];

export interface TestRow {
  readonly labels: TestLabels;
  readonly samples: readonly { readonly t: bigint; readonly bits: bigint }[];
  readonly histograms?: readonly { readonly t: bigint; readonly histogram: Histogram }[];
  readonly exemplars?: readonly TestExemplar[];
}

export interface TestExemplar {
  readonly t: bigint;
  readonly bits: bigint;
  readonly labels: TestLabels;
}

/** Lays out rows as the intake does, group by group. */
export function layOutBatch(...groups: readonly (readonly TestRow[])[]): ScannedBatch {
  const rowsAll = groups.flat();
  const canonical = rowsAll.map(({ labels }) => canonicalLabels(labels));
  const fields = rowsAll.map(seriesField);
  const body = Buffer.concat([Buffer.alloc(7), ...canonical, ...fields]);
  const rows = Buffer.alloc(rowsAll.length * rowBytes);
  const sampleCount = rowsAll.reduce((sum, row) => sum + row.samples.length, 0);
  const samples = Buffer.alloc(sampleCount * sampleBytes);
  let labelsAt = 7;
  let fieldAt = canonical.reduce((sum, labels) => sum + labels.length, 7);
  let sample = 0;
  let histograms = 0;
  let exemplars = 0;
  for (const [i, row] of rowsAll.entries()) {
    const at = i * rowBytes;
    const hashed = Buffer.concat(
      row.labels.flatMap((pair) => pair.flatMap((text) => [Buffer.from(text), Buffer.of(0xff)])),
    );
    rows.writeBigUInt64LE(xxh64(hashed), at);
    rows.writeUInt32LE(labelsAt, at + 16);
    rows.writeUInt32LE(canonical[i]!.length, at + 20);
    rows.writeUInt32LE(sample, at + 24);
    rows.writeUInt32LE(row.samples.length, at + 28);
    rows.writeUInt32LE(fieldAt, at + 32);
    rows.writeUInt32LE(fields[i]!.length, at + 36);
    rows.writeUInt32LE(row.histograms?.length ?? 0, at + 40);
    rows.writeUInt32LE(row.exemplars?.length ?? 0, at + 44);
    rows[at + 48] = verdictOf(row.labels);
    rows.writeUInt32LE(row.labels.length, at + 52);
    labelsAt += canonical[i]!.length;
    fieldAt += fields[i]!.length;
    histograms += row.histograms?.length ?? 0;
    exemplars += row.exemplars?.length ?? 0;
    for (const { t, bits } of row.samples) {
      samples.writeBigInt64LE(t, sample * sampleBytes);
      samples.writeBigUInt64LE(bits, sample * sampleBytes + 8);
      sample += 1;
    }
  }
  const groupTable = Buffer.alloc(groups.length * groupBytes);
  let firstRow = 0;
  for (const [i, group] of groups.entries()) {
    groupTable.writeUInt32LE(firstRow, i * groupBytes + 8);
    groupTable.writeUInt32LE(group.length, i * groupBytes + 12);
    firstRow += group.length;
  }
  return {
    body,
    rows,
    rowCount: rowsAll.length,
    samples,
    sampleCount,
    groups: groupTable,
    groupCount: groups.length,
    histogramCount: histograms,
    exemplarCount: exemplars,
    refusedCount: rowsAll.filter(({ labels }) => verdictOf(labels) !== RowVerdict.ok).length,
    metadataCount: 0,
    replica: 0,
  };
}

/** The row as it was received: the head looks there for histograms and exemplars alone. */
function seriesField({ labels, histograms = [], exemplars = [] }: TestRow): Buffer {
  if (histograms.length === 0 && exemplars.length === 0) return Buffer.alloc(0);
  return encodeWriteRequest({
    timeseries: [
      {
        labels,
        samples: [],
        histograms: histograms.map(({ t, histogram }) => sentHistogram(t, histogram)),
        exemplars: exemplars.map(({ t, bits, labels: pairs }) => ({
          timestampMs: t,
          bits,
          labels: pairs.map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const),
        })),
      },
    ],
  });
}

function sentHistogram(timestampMs: bigint, histogram: Histogram): SentHistogram {
  const { kind, count, zeroCount, sumBits, schema, hint } = histogram;
  const counts = (value: bigint | number) =>
    typeof value === 'bigint' ? { int: value } : { floatBits: bitsOf(value) };
  const [positive, negative] = [[...histogram.positive], [...histogram.negative]];
  const isFloat = kind === 'float';
  return {
    timestampMs,
    count: counts(count),
    zeroCount: counts(zeroCount),
    sumBits,
    schema,
    resetHint: hint,
    zeroThresholdBits: bitsOf(histogram.zeroThreshold),
    positiveSpans: histogram.positiveSpans,
    negativeSpans: histogram.negativeSpans,
    positiveDeltas: isFloat ? [] : (positive as bigint[]),
    negativeDeltas: isFloat ? [] : (negative as bigint[]),
    positiveCountBits: isFloat ? (positive as number[]).map(bitsOf) : [],
    negativeCountBits: isFloat ? (negative as number[]).map(bitsOf) : [],
    customValueBits: [...histogram.customBounds].map(bitsOf),
  };
}

function bitsOf(value: number): bigint {
  return new BigUint64Array(new Float64Array([value]).buffer)[0]!;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.of(...bytes, value);
}

export function canonicalLabels(labels: TestLabels): Buffer {
  return Buffer.concat(
    labels.map(([name, value]) => {
      const [n, v] = [Buffer.from(name), Buffer.from(value)];
      const inner = Buffer.concat([Buffer.of(0x0a), varint(n.length), n, Buffer.of(0x12), varint(v.length), v]);
      return Buffer.concat([Buffer.of(0x0a), varint(inner.length), inner]);
    }),
  );
}

function verdictOf(labels: TestLabels): number {
  if (labels.length === 0 || labels.some(([name, value]) => name === '' || value === '')) return RowVerdict.emptyLabel;
  for (let i = 1; i < labels.length; i += 1) {
    const order = Buffer.compare(Buffer.from(labels[i - 1]![0]), Buffer.from(labels[i]![0]));
    if (order === 0) return RowVerdict.duplicateLabel;
    if (order > 0) return RowVerdict.unsortedLabel;
  }
  return RowVerdict.ok;
}
