import { meansVersion2, negotiate } from './media-type.js';

const v1 = 'application/x-protobuf;proto=prometheus.WriteRequest';
const v2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

test.each<[contentType: string | undefined, contentEncoding: string | undefined, is: 'v1' | 'v2' | 415]>([
  [undefined, undefined, 'v1'],
  ['', '', 'v1'],
  ['application/x-protobuf', 'snappy', 'v1'],
  ['application/x-protobuf', undefined, 'v1'],
  ['Application/X-Protobuf', 'SNAPPY', 'v1'],
  [v1, 'snappy', 'v1'],
  [v2, 'snappy', 'v2'],
  [v2, undefined, 'v2'],
  // Upstream splits without trimming and refuses this.
  ['application/x-protobuf; proto=io.prometheus.write.v2.Request', 'snappy', 'v2'],
  ['application/x-protobuf ; charset=utf-8 ; proto=io.prometheus.write.v2.Request', 'snappy', 'v2'],
  ['application/x-protobuf;charset=utf-8', 'snappy', 'v1'],
  ['application/x-protobuf;', 'snappy', 'v1'],
  ['application/x-protobuf;proto=io.prometheus.write.v3.Request', 'snappy', 415],
  ['application/x-protobuf;proto=IO.PROMETHEUS.WRITE.V2.REQUEST', 'snappy', 415],
  ['application/x-protobuf;proto=', 'snappy', 415],
  ['application/json', 'snappy', 415],
  ['text/plain', undefined, 415],
  [`text/plain;proto=io.prometheus.write.v2.Request`, 'snappy', 415],
  [';', 'snappy', 415],
  [v1, 'gzip', 415],
  [v2, 'zstd', 415],
  [v2, 'identity', 415],
  [undefined, 'gzip', 415],
  [v1, 'snappy, gzip', 415],
])('type %j in %j is %s', (contentType, contentEncoding, is) => {
  if (is === 415)
    expect(() => negotiate(contentType, contentEncoding)).toThrow(
      expect.objectContaining({ code: 'MEDIA_TYPE_UNSUPPORTED', httpStatus: 415 }),
    );
  else expect(negotiate(contentType, contentEncoding)).toBe(is);
});

test('a request that means 2.0 is known as such whatever else is wrong with it', () => {
  expect([v2, `text/plain; ${v2.split(';')[1]}`, v1, '', undefined].map(meansVersion2)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  // The first that is named is the one that is read.
  expect(meansVersion2(`${v1};${v2.split(';')[1]}`)).toBe(false);
});
