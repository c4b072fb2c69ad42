import { Client, Metadata, credentials } from '@grpc/grpc-js';
import { decodeChunk } from '@gauntlet/chunk';
import { thanosExemplarsExemplars, thanosStoreRpc } from '@gauntlet/wire';
import { Root, type INamespace, type Type } from 'protobufjs';
import { sampleText, seriesText, storedValueText } from '../crash/sample-text.js';
import { exemplarText } from '../prometheus-read.js';
import { field, number } from '../protobuf-fields.js';

/** What ingesters of these tests are told apart by: senders have a label `replica` of their own. */
export const replicaLabel = 'receive_replica';

/** Every sample that an ingester holds for a tenant, as one text each, sorted; read over StoreAPI, without the labels of ingester and tenant. */
export async function storedSamples(ingester: Ingester, tenant: string): Promise<string[]> {
  const matchers = [matcher(0, 'tenant_id', tenant), matcher(2, '__name__', '.+')];
  const request = Buffer.concat([number(2, untilMs), ...matchers.map((one) => field(3, one)), number(7, abort)]);
  const texts: string[] = [];
  for (const answer of await call<SeriesAnswer>(ingester, '/thanos.Store/Series', request, seriesAnswer))
    for (const { labels, chunks } of answer.batch?.series ?? (answer.series ? [answer.series] : [])) {
      const series = seriesText(ownLabels(labels));
      for (const { raw } of chunks)
        for (const sample of decodeChunk((raw.type ?? 0) + 1, raw.data))
          texts.push(sampleText(series, sample.timestampMs, storedValueText(sample)).replace(negativeZero, ' 0/0'));
    }
  return texts.sort();
}

/** Every exemplar that an ingester holds for a tenant, as `readExemplars` tells those of a Prometheus. */
export async function storedExemplars(ingester: Ingester, tenant: string): Promise<string[]> {
  const query = `{tenant_id=${JSON.stringify(tenant)}, __name__=~".+"}`;
  const request = Buffer.concat([field(1, query), number(3, untilMs), number(4, abort)]);
  const answers = await call<ExemplarsAnswer>(ingester, '/thanos.Exemplars/Exemplars', request, exemplarsAnswer);
  return answers
    .flatMap(({ data }) =>
      (data?.exemplars ?? []).map(({ labels, value, ts }) =>
        exemplarText(Object.fromEntries(ownLabels(data?.seriesLabels.labels ?? [])), {
          labels: Object.fromEntries(labels.labels.map(({ name, value: text }) => [name, text])),
          value: value ?? 0,
          timestampMs: ts ?? 0,
        }),
      ),
    )
    .sort();
}

type Ingester = { readonly grpc: string };
interface Label {
  readonly name: string;
  readonly value: string;
}
interface Series {
  readonly labels: readonly Label[];
  readonly chunks: readonly { readonly raw: { readonly type?: number; readonly data: Uint8Array } }[];
}
interface SeriesAnswer {
  readonly series?: Series;
  readonly batch?: { readonly series: readonly Series[] };
}
interface ExemplarsAnswer {
  readonly data?: {
    readonly seriesLabels: { readonly labels: readonly Label[] };
    readonly exemplars: readonly {
      readonly labels: { readonly labels: readonly Label[] };
      readonly value?: number;
      readonly ts?: number;
    }[];
  };
}

/** The encoders of Go leave out a zero whatever its sign: senders in Go lose it. */
const negativeZero = / 0\/8000000000000000$/;
/** The year 2096. */
const untilMs = 4_000_000_000_000;
const abort = 1;
const callMsMax = 20_000;

const ownLabels = (labels: readonly Label[]): [string, string][] =>
  labels.filter(({ name }) => name !== replicaLabel && name !== 'tenant_id').map(({ name, value }) => [name, value]);

const matcher = (type: number, name: string, value: string): Buffer =>
  Buffer.concat([number(1, type), field(2, name), field(3, value)]);

const typeOf = (description: unknown, name: string): Type => Root.fromJSON(description as INamespace).lookupType(name);
const seriesAnswer = typeOf(thanosStoreRpc, 'thanos.SeriesResponse');
const exemplarsAnswer = typeOf(thanosExemplarsExemplars, 'thanos.ExemplarsResponse');

async function call<T>({ grpc }: Ingester, path: string, request: Buffer, type: Type): Promise<T[]> {
  const client = new Client(grpc, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const deadline = Date.now() + callMsMax;
  try {
    const answers: T[] = [];
    const stream = client.makeServerStreamRequest(path, asIs, asIs, request, new Metadata(), { deadline });
    for await (const message of stream)
      answers.push(type.toObject(type.decode(message as Buffer), { arrays: true, longs: Number }) as T);
    return answers;
  } finally {
    client.close();
  }
}
