import { createRequire } from 'node:module';
import { thanosStoreRpc } from '@gauntlet/wire';
import { encodeLabelNamesRequest, encodeLabelValuesRequest, encodeSeriesRequest } from './store-requests.js';

// Another library's opinion on what the bytes mean.
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  Root: { fromJSON(json: unknown): { lookupType(name: string): MessageType } };
};
interface MessageType {
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): unknown;
}
const root = protobuf.Root.fromJSON(thanosStoreRpc);
function decode(name: string, bytes: Buffer): unknown {
  const type = root.lookupType(`thanos.${name}`);
  return type.toObject(type.decode(bytes), { longs: Number, enums: String });
}
const range = { minTimeMs: 1_795_233_600_000, maxTimeMs: 1_795_233_600_001 };

test('a request for series has its matchers, its range and what is said of the answer', () => {
  const bytes = encodeSeriesRequest({
    matchers: { __name__: 'up', job: 'x'.repeat(200) },
    range,
    skipChunks: true,
    withoutLabels: ['replica', 'cluster'],
    batchSeriesMax: 64,
  });
  expect(decode('SeriesRequest', bytes)).toEqual({
    min_time: range.minTimeMs,
    max_time: range.maxTimeMs,
    matchers: [
      { name: '__name__', value: 'up' },
      { name: 'job', value: 'x'.repeat(200) },
    ],
    skip_chunks: true,
    without_replica_labels: ['replica', 'cluster'],
    response_batch_size: 64,
  });
});

test('a request for names or values has the label and the range', () => {
  const times = { start: range.minTimeMs, end: range.maxTimeMs };
  expect(decode('LabelNamesRequest', encodeLabelNamesRequest(range))).toEqual(times);
  expect(decode('LabelValuesRequest', encodeLabelValuesRequest('job', range))).toEqual({ label: 'job', ...times });
});
