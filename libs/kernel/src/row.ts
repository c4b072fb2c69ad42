import { groupBytes, rowBytes, rowField, sampleBytes, type RowVerdict, type ScannedBatch } from './batch.js';

/** A sample as its bytes say: the time as a signed 64-bit number, the value as the bits of a double. */
export interface SampleBits {
  readonly timestampMs: bigint;
  readonly bits: bigint;
}

/** Name and value as bytes, which need not be valid UTF-8. */
export type LabelBytes = readonly [name: Buffer, value: Buffer];

/** One row of a batch as objects, for tests and paths that are seldom taken. All bytes are copies. */
export interface Row {
  readonly labelsHash: bigint;
  readonly routeHash: bigint;
  readonly labels: readonly LabelBytes[];
  readonly samples: readonly SampleBits[];
  /** The whole field as received; of remote write 2.0, as it is forwarded. */
  readonly series: Buffer;
  readonly histogramCount: number;
  readonly exemplarCount: number;
  readonly verdict: RowVerdict;
  readonly group: number;
  readonly labelCount: number;
}

export interface Group {
  readonly tenant: Buffer;
  readonly firstRow: number;
  readonly rowCount: number;
}

export function readRow(batch: ScannedBatch, index: number): Row {
  if (index >= batch.rowCount) throw new RangeError(`row ${index} of ${batch.rowCount}`);
  const view = viewOf(batch.rows, index * rowBytes, rowBytes);
  const firstSample = view.getUint32(rowField.firstSample, true);
  return {
    labelsHash: view.getBigUint64(rowField.labelsHash, true),
    routeHash: view.getBigUint64(rowField.routeHash, true),
    labels: readRowLabels(batch, index),
    samples: Array.from({ length: view.getUint32(rowField.sampleCount, true) }, (_, offset) =>
      readSample(batch, firstSample + offset),
    ),
    series: Buffer.from(
      piece(batch.body, view.getUint32(rowField.seriesOffset, true), view.getUint32(rowField.seriesLength, true)),
    ),
    histogramCount: view.getUint32(rowField.histogramCount, true),
    exemplarCount: view.getUint32(rowField.exemplarCount, true),
    verdict: view.getUint8(rowField.verdict) as RowVerdict,
    group: view.getUint16(rowField.group, true),
    labelCount: view.getUint32(rowField.labelCount, true),
  };
}

/** The labels of a row alone: its samples may be millions. */
export function readRowLabels(batch: ScannedBatch, index: number): LabelBytes[] {
  if (index >= batch.rowCount) throw new RangeError(`row ${index} of ${batch.rowCount}`);
  const view = viewOf(batch.rows, index * rowBytes, rowBytes);
  const start = view.getUint32(rowField.labelsOffset, true);
  return decodeCanonicalLabels(piece(batch.body, start, view.getUint32(rowField.labelsLength, true)));
}

/** What a row says without its labels and samples: for decisions about rows of any size. */
export function readRowSummary(
  batch: ScannedBatch,
  index: number,
): Pick<Row, 'verdict' | 'histogramCount' | 'exemplarCount'> & { readonly sampleCount: number } {
  if (index >= batch.rowCount) throw new RangeError(`row ${index} of ${batch.rowCount}`);
  const view = viewOf(batch.rows, index * rowBytes, rowBytes);
  return {
    sampleCount: view.getUint32(rowField.sampleCount, true),
    histogramCount: view.getUint32(rowField.histogramCount, true),
    exemplarCount: view.getUint32(rowField.exemplarCount, true),
    verdict: view.getUint8(rowField.verdict) as RowVerdict,
  };
}

export function readSample(batch: ScannedBatch, index: number): SampleBits {
  if (index >= batch.sampleCount) throw new RangeError(`sample ${index} of ${batch.sampleCount}`);
  const view = viewOf(batch.samples, index * sampleBytes, sampleBytes);
  return { timestampMs: view.getBigInt64(0, true), bits: view.getBigUint64(8, true) };
}

export function readGroup(batch: ScannedBatch, index: number): Group {
  if (index >= batch.groupCount) throw new RangeError(`group ${index} of ${batch.groupCount}`);
  const view = viewOf(batch.groups, index * groupBytes, groupBytes);
  return {
    tenant: Buffer.from(piece(batch.body, view.getUint32(0, true), view.getUint32(4, true))),
    firstRow: view.getUint32(8, true),
    rowCount: view.getUint32(12, true),
  };
}

/** Takes canonical labels apart: for each label 0A len 0A len name 12 len value. The bytes are copies. */
export function decodeCanonicalLabels(bytes: Uint8Array): LabelBytes[] {
  const labels: LabelBytes[] = [];
  let at = 0;
  const skipLength = (): number => {
    let length = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('canonical labels are cut short');
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) return length;
    }
  };
  const text = (): Buffer => {
    at += 1;
    const length = skipLength();
    at += length;
    return Buffer.from(bytes.subarray(at - length, at));
  };
  while (at < bytes.length) {
    at += 1;
    skipLength();
    labels.push([text(), text()]);
  }
  return labels;
}

function viewOf(bytes: Uint8Array, offset: number, length: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
}

function piece(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  return bytes.subarray(offset, offset + length);
}
