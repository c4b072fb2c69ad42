import { encodeExportResponse } from './index.js';
import { protoType } from './testing/encode-request.js';

const decode = (bytes: Uint8Array): object => {
  const type = protoType('ExportMetricsServiceResponse');
  return type.toObject(type.decode(bytes), { longs: Number, defaults: false });
};

test('where all was taken, the response is empty', () => {
  expect(encodeExportResponse('application/x-protobuf', 0, '')).toHaveLength(0);
  expect(String(encodeExportResponse('application/json', 0, ''))).toBe('{}');
});

test('what was refused is told as partial success', () => {
  expect(decode(encodeExportResponse('application/x-protobuf', 300, 'metric "é" is odd'))).toEqual({
    partialSuccess: { rejectedDataPoints: 300, errorMessage: 'metric "é" is odd' },
  });
  // 64-bit integers are strings in JSON.
  expect(JSON.parse(String(encodeExportResponse('application/json', 300, 'metric "é" is odd')))).toEqual({
    partialSuccess: { rejectedDataPoints: '300', errorMessage: 'metric "é" is odd' },
  });
});

test('a message without refused points is a warning', () => {
  expect(decode(encodeExportResponse('application/x-protobuf', 0, 'beware'))).toEqual({
    partialSuccess: { errorMessage: 'beware' },
  });
});
