import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import {
  thanosStoreRpc,
  thanosStoreWriteableStore,
  grpcHealthV1Health,
  prometheusRemote,
  protoFiles,
} from './index.js';

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

interface FileDescriptor {
  name: string;
  messageType: { name: string; field: { name: string; number: number; typeName?: string }[] }[];
}
const descriptor = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs/ext/descriptor') as {
  FileDescriptorProto: { decode(bytes: Uint8Array): FileDescriptor };
};
const fileOf = (name: string): FileDescriptor => {
  const file = protoFiles.find((each) => each.name === name);
  return descriptor.FileDescriptorProto.decode(Buffer.from(file?.descriptorBase64 ?? '', 'base64'));
};

test('each file has a descriptor of its own, whose imports and types are all there', () => {
  const names = new Set(protoFiles.map(({ name }) => name));
  const symbols = new Set(protoFiles.flatMap((file) => file.symbols));
  for (const file of protoFiles) {
    expect(file.imports.filter((name) => !names.has(name))).toEqual([]);
    const { name, messageType } = fileOf(file.name);
    expect(name).toBe(file.name);
    const types = messageType.flatMap(({ field }) => field.map(({ typeName }) => typeName ?? ''));
    const isMapEntry = (type: string): boolean => type.endsWith('Entry') && !symbols.has(type.slice(1));
    expect(types.filter((type) => type !== '' && !isMapEntry(type) && !symbols.has(type.slice(1)))).toEqual([]);
  }
  expect([...symbols]).toEqual(
    expect.arrayContaining([
      'thanos.Store',
      'thanos.Store.Series',
      'thanos.info.Info',
      'grpc.reflection.v1alpha.ServerReflection',
    ]),
  );
});

test('a descriptor numbers the fields as the messages do', () => {
  const json = thanosStoreRpc as unknown as {
    nested: { thanos: { nested: { SeriesRequest: { fields: Record<string, { id: number }> } } } };
  };
  const fields = Object.entries(json.nested.thanos.nested.SeriesRequest.fields).map(([name, { id }]) => [name, id]);
  const described = fileOf('thanos/store/rpc.proto').messageType.find(({ name }) => name === 'SeriesRequest');
  expect(described?.field.map(({ name, number }) => [name, number])).toEqual(fields);
  expect(fields).toHaveLength(16);
});
