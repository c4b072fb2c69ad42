import { RowVerdict, groupBytes, rowBytes, sampleBytes, xxh64, type ScannedBatch } from '@gauntlet/kernel';

export type TestLabels = readonly (readonly [string, string])[];

export interface TestRow {
  readonly labels: TestLabels;
  readonly samples: readonly { readonly t: bigint; readonly bits: bigint }[];
  readonly histogramCount?: number;
}

/** Lays out rows as the intake does, group by group. */
export function layOutBatch(...groups: readonly (readonly TestRow[])[]): ScannedBatch {
  const rowsAll = groups.flat();
  const canonical = rowsAll.map(({ labels }) => canonicalLabels(labels));
  const body = Buffer.concat([Buffer.alloc(7), ...canonical]);
  const rows = Buffer.alloc(rowsAll.length * rowBytes);
  const sampleCount = rowsAll.reduce((sum, row) => sum + row.samples.length, 0);
  const samples = Buffer.alloc(sampleCount * sampleBytes);
  let labelsAt = 7;
  let sample = 0;
  let histograms = 0;
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
    rows.writeUInt32LE(row.histogramCount ?? 0, at + 40);
    rows[at + 48] = verdictOf(row.labels);
    rows.writeUInt32LE(row.labels.length, at + 52);
    labelsAt += canonical[i]!.length;
    histograms += row.histogramCount ?? 0;
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
    exemplarCount: 0,
    metadataCount: 0,
    replica: 0,
  };
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
