import type { ProtobufCursor } from './protobuf-cursor.js';
import type { Steps } from './steps.js';

/** A metric before its data points are read. */
export interface Metric {
  /** Bytes, one to a character. */
  readonly name: string;
  readonly unit: string;
  readonly kind: MetricDataKind;
  /** Gauges and summaries have none, and count as cumulative. */
  readonly temporality: 'cumulative' | 'delta' | 'unspecified';
  readonly isMonotonic: boolean;
  readonly pointCount: number;
  /** Where the points are, as fields 1; undefined if there are none. */
  readonly data: ProtobufCursor | undefined;
}

export type MetricDataKind = 'none' | 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary';

/** Kinds of data by their field numbers. Of several, the last one counts. */
const kinds: ReadonlyMap<number, MetricDataKind> = new Map([
  [5, 'gauge'],
  [7, 'sum'],
  [9, 'histogram'],
  [10, 'exponential'],
  [11, 'summary'],
]);

/** Reads an `opentelemetry.Metric`. */
export function* readMetric(message: ProtobufCursor): Steps<Metric> {
  let name = '';
  let unit = '';
  let kind: MetricDataKind = 'none';
  let data: ProtobufCursor | undefined;
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (message.endsStride()) yield;
    const kindOfField = kinds.get(field);
    if (field === 1) name = message.text();
    else if (field === 3) unit = message.text();
    else if (kindOfField !== undefined) {
      kind = kindOfField;
      data = message.message();
    } else message.skip();
  }
  const about = data === undefined ? nothing : yield* readData(data.clone(), kind);
  return { name, unit, kind, data, ...about };
}

type DataFacts = Pick<Metric, 'temporality' | 'isMonotonic' | 'pointCount'>;

const nothing: DataFacts = { temporality: 'cumulative', isMonotonic: false, pointCount: 0 };

/** What may come after the points, and how many those are. All kinds of data number their fields alike. */
function* readData(data: ProtobufCursor, kind: MetricDataKind): Steps<DataFacts> {
  const hasTemporality = kind === 'sum' || kind === 'histogram' || kind === 'exponential';
  let temporality = hasTemporality ? 0 : 2;
  let isMonotonic = false;
  let pointCount = 0;
  for (let field = data.nextField(); field !== 0; field = data.nextField()) {
    if (data.endsStride()) yield;
    if (field === 2 && hasTemporality) temporality = data.uint32();
    else if (field === 3 && kind === 'sum') isMonotonic = data.varint() !== 0n;
    else {
      if (field === 1) pointCount += 1;
      data.skip();
    }
  }
  const word = temporality === 2 ? 'cumulative' : temporality === 1 ? 'delta' : 'unspecified';
  return { temporality: word, isMonotonic, pointCount };
}
