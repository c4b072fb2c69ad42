import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { ChunkEncoding, chunkDecoder } from '@gauntlet/chunk';
import { thanosStoreRpc } from '@gauntlet/wire';
import { Root, type INamespace } from 'protobufjs';
import { field, number } from '../protobuf-fields.js';
import { numberedMetric } from './numbered-samples.js';

/** What one ingester holds: series as `sender/number` to samples in the order of its answer. */
export type StoredCopy = ReadonlyMap<string, readonly StoredSample[]>;
export interface StoredSample {
  readonly timestampMs: number;
  readonly value: number;
}

/** Reads all numbered samples of a running ingester over StoreAPI. A sample in two chunks is there twice. */
export async function readStored({ grpc }: { readonly grpc: string }): Promise<StoredCopy> {
  const matcher = Buffer.concat([field(2, '__name__'), field(3, numberedMetric)]);
  // Until the year 2096; a partial answer counts as none.
  const request = Buffer.concat([number(2, 4_000_000_000_000), field(3, matcher), number(6, 1), number(7, 1)]);
  const client = new Client(grpc, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  try {
    const stored = new Map<string, StoredSample[]>();
    const stream = client.makeServerStreamRequest('/thanos.Store/Series', asIs, asIs, request, new Metadata(), {
      deadline: Date.now() + readMsMax,
    });
    for await (const message of stream) collect(decode(message as Buffer), stored);
    return stored;
  } finally {
    client.close();
  }
}

const readMsMax = 60_000;

interface SeriesAnswer {
  readonly series?: PlainSeries;
  readonly batch?: { readonly series: readonly PlainSeries[] };
}
interface PlainSeries {
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly chunks: readonly { readonly raw: { readonly data: Uint8Array } }[];
}

const answerType = Root.fromJSON(thanosStoreRpc as unknown as INamespace).lookupType('thanos.SeriesResponse');
const decode = (message: Buffer): SeriesAnswer =>
  answerType.toObject(answerType.decode(message), { arrays: true }) as SeriesAnswer;

function collect({ series, batch }: SeriesAnswer, into: Map<string, StoredSample[]>): void {
  for (const { labels, chunks } of batch?.series ?? (series ? [series] : [])) {
    const of = (wanted: string): string => labels.find(({ name }) => name === wanted)?.value ?? '';
    const samples = chunks.flatMap(({ raw }) =>
      [...decodeFloats(raw.data)].map(({ timestampMs, bits }) => ({
        timestampMs: Number(timestampMs),
        value: numberOf(bits),
      })),
    );
    const key = `${of('sender')}/${of('series')}`;
    into.set(key, [...(into.get(key) ?? []), ...samples]);
  }
}

const decodeFloats = chunkDecoder(ChunkEncoding.xor);
const double = new DataView(new ArrayBuffer(8));
function numberOf(bits: bigint): number {
  double.setBigUint64(0, bits);
  return double.getFloat64(0);
}
