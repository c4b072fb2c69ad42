import { bitsOf, writeHistogramFields, type SampleInput, type SeriesInput, type Text } from './encode.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { Histogram } from './write-request.js';

export type SampleInputV2 = SampleInput & { readonly startTimestampMs?: number | bigint };

/** A series to send. A decoded series of 1.0 is one, too. */
export interface SeriesInputV2 {
  readonly labels: SeriesInput['labels'];
  readonly samples?: readonly SampleInputV2[];
  readonly exemplars?: SeriesInput['exemplars'];
  readonly histograms?: readonly (Histogram & { readonly startTimestampMs?: bigint })[];
  readonly metadata?: { readonly type?: number; readonly help?: Text; readonly unit?: Text };
}

export interface WriteRequestV2Input {
  readonly timeseries: readonly SeriesInputV2[];
}

/** Encodes remote write 2.0 as the Prometheus sender does: symbols in the order in which they are first met, the empty one before all, and then the series. */
export function encodeWriteRequestV2(request: WriteRequestV2Input): Buffer {
  const table = new SymbolTable();
  const refsOf = (labels: SeriesInput['labels']): bigint[] =>
    labels.flatMap((label) => label.map((text) => table.ref(text)));
  // Symbols stand before the series that refer to them, so that all references are made first.
  const series = request.timeseries.map((input) => ({
    input,
    refs: refsOf(input.labels),
    exemplars: (input.exemplars ?? []).map((exemplar) => ({ exemplar, refs: refsOf(exemplar.labels) })),
    metadata: input.metadata && {
      type: input.metadata.type ?? 0,
      helpRef: table.ref(input.metadata.help ?? ''),
      unitRef: table.ref(input.metadata.unit ?? ''),
    },
  }));
  const writer = new ProtobufWriter();
  for (const symbol of table.symbols) writer.text(4, symbol, { always: true });
  for (const { input, refs, exemplars, metadata } of series) {
    writer.message(5, () => {
      writer.packedVarints(1, refs);
      for (const sample of input.samples ?? []) writer.message(2, () => writeSample(writer, sample));
      for (const histogram of input.histograms ?? []) {
        writer.message(3, () => {
          writeHistogramFields(writer, histogram);
          writer.varint(17, histogram.startTimestampMs ?? 0n);
        });
      }
      for (const { exemplar, refs } of exemplars) {
        writer.message(4, () => {
          writer.packedVarints(1, refs);
          writer.fixed64(2, exemplar.bits);
          writer.varint(3, exemplar.timestampMs);
        });
      }
      if (metadata === undefined) return;
      writer.message(5, () => {
        writer.varint(1, BigInt(metadata.type));
        writer.varint(3, metadata.helpRef);
        writer.varint(4, metadata.unitRef);
      });
    });
  }
  return writer.finish();
}

function writeSample(writer: ProtobufWriter, sample: SampleInputV2): void {
  writer.fixed64(1, 'bits' in sample ? sample.bits : bitsOf(sample.value));
  writer.varint(2, BigInt(sample.timestampMs));
  writer.varint(3, BigInt(sample.startTimestampMs ?? 0));
}

/** Gives every text one index. */
class SymbolTable {
  readonly symbols: Buffer[] = [];
  readonly #refs = new Map<string, bigint>();
  /** By the bytes, one character each: a text may come as a string or as bytes, and those need not be UTF-8. */
  readonly #refsOfBytes = new Map<string, bigint>();

  constructor() {
    this.ref('');
  }

  ref(text: Text): bigint {
    if (typeof text !== 'string') return this.#refOfBytes(text);
    let ref = this.#refs.get(text);
    if (ref === undefined) {
      ref = this.#refOfBytes(Buffer.from(text));
      this.#refs.set(text, ref);
    }
    return ref;
  }

  #refOfBytes(text: Uint8Array): bigint {
    const bytes = Buffer.from(text);
    const key = bytes.toString('latin1');
    let ref = this.#refsOfBytes.get(key);
    if (ref === undefined) {
      ref = BigInt(this.symbols.length);
      this.symbols.push(bytes);
      this.#refsOfBytes.set(key, ref);
    }
    return ref;
  }
}
