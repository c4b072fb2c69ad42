import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { thanosStoreWriteableStore, grpcHealthV1Health, prometheusRemote } from './index.js';

interface Message {
  [field: string]: unknown;
}
interface Type {
  decode(bytes: Uint8Array): Message;
  encode(message: Message): { finish(): Uint8Array };
  fromObject(object: unknown): Message;
  toObject(message: Message, options: object): Message;
}
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  Root: {
    fromJSON(json: object): { lookupType(name: string): Type; lookupService(name: string): { methods: object } };
  };
};
const read = { longs: Number, enums: String, defaults: false };

test('a write call that a Thanos peer sent reads as its series, tenant and sample', () => {
  const type = protobuf.Root.fromJSON(thanosStoreWriteableStore).lookupType('thanos.WriteRequest');
  const bytes = readFileSync(join(__dirname, '../testdata/legacy-plain.binpb'));
  expect(type.toObject(type.decode(bytes), read)).toEqual({
    timeseries: [
      {
        labels: [
          { name: '__name__', value: 'http_requests' },
          { name: 'job', value: 'api' },
        ],
        samples: [{ value: expect.any(Number), timestamp: expect.any(Number) }],
      },
    ],
    tenant: expect.stringMatching(/^pub-g-/),
  });
});

test('a histogram keeps negative deltas, offsets and its reset hint', () => {
  const type = protobuf.Root.fromJSON(prometheusRemote).lookupType('prometheus.WriteRequest');
  const request = {
    timeseries: [
      {
        labels: [{ name: '__name__', value: 'latency' }],
        histograms: [
          {
            count_int: 3,
            sum: 4.5,
            schema: -2,
            zero_count_int: 1,
            positive_spans: [{ offset: -3, length: 2 }],
            positive_deltas: [2, -1],
            reset_hint: 'GAUGE',
            timestamp: 1700000000000,
          },
        ],
      },
    ],
    metadata: [{ type: 'HISTOGRAM', metric_family_name: 'latency', help: 'How long', unit: 'seconds' }],
  };
  const bytes = type.encode(type.fromObject(request)).finish();
  expect(type.toObject(type.decode(bytes), read)).toEqual(request);
});

test('SERVING is two bytes, as the health service of libs/rpc writes them', () => {
  const type = protobuf.Root.fromJSON(grpcHealthV1Health).lookupType('grpc.health.v1.HealthCheckResponse');
  expect([...type.encode(type.fromObject({ status: 'SERVING' })).finish()]).toEqual([0x08, 0x01]);
});
