import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { OtlpMalformedError, translateMetrics, type OtlpContentType, type Translation } from './index.js';
import { ProtobufOutput } from './protobuf-output.js';
import { arbitraryRequest } from './testing/arbitrary-request.js';
import { attributesOf, encodeRequest, requestOf } from './testing/encode-request.js';
import { readSeries } from './testing/read-series.js';

const options = { targetInfo: true, promoteResourceAttributes: ['service.name'] };
const translate = (body: Uint8Array, more: { messageBytesMax?: number } = {}): Translation =>
  translateMetrics(body, 'application/x-protobuf', { ...options, ...more });

/** Translates, and lets pass what says that the body is malformed. */
function survives(body: Uint8Array, contentType: OtlpContentType): void {
  try {
    readSeries(translateMetrics(body, contentType, options).message);
  } catch (error) {
    expect(error).toBeInstanceOf(OtlpMalformedError);
  }
}

const recordings = JSON.parse(readFileSync(join(__dirname, '../testdata/thanos-otlp.json'), 'utf8')) as {
  contentType: OtlpContentType;
  body: string;
}[];
const bodies = recordings.map(({ body, contentType }) => ({ contentType, body: Buffer.from(body, 'base64') }));
const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255), how: fc.constantFrom('set', 'cut', 'insert') }), {
  minLength: 1,
  maxLength: 4,
});

function damaged(body: Buffer, changes: { at: number; byte: number; how: string }[]): Buffer {
  return changes.reduce((bytes, { at, byte, how }) => {
    const place = bytes.length === 0 ? 0 : at % bytes.length;
    const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
    if (how === 'cut') return Buffer.concat([before, after.subarray(1 + (byte % 4))]);
    return Buffer.concat([before, Buffer.of(byte), how === 'set' ? after.subarray(1) : after]);
  }, body);
}

describe('damaged requests are taken or malformed', () => {
  test('recorded ones', () => {
    fc.assert(
      fc.property(fc.constantFrom(...bodies), damage, ({ body, contentType }, changes) => {
        survives(damaged(body, changes), contentType);
      }),
      { numRuns: 500 },
    );
  });

  test('random ones', () => {
    fc.assert(
      fc.property(arbitraryRequest, damage, ({ json, plain }, changes) => {
        survives(damaged(encodeRequest(plain), changes), 'application/x-protobuf');
        survives(damaged(Buffer.from(JSON.stringify(json)), changes), 'application/json');
      }),
      { numRuns: 100 },
    );
  });

  test('noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.json(), (bytes, json) => {
        survives(bytes, 'application/x-protobuf');
        survives(Buffer.from(json), 'application/json');
      }),
    );
  });
});

/** Messages in each other, from the inside out. */
function nested(content: Uint8Array, ...fields: number[]): Buffer {
  return fields.reduce<Buffer>((inner, field) => {
    const output = new ProtobufOutput(inner.length + 16);
    output.bytes(field, inner);
    return output.view();
  }, Buffer.from(content));
}

const named = nested(Buffer.from('g'), 1);

test('values in values are read to a depth, and are malformed beyond it', () => {
  const deep = (levels: number): Buffer => {
    const fields = Array.from({ length: levels }, () => [1, 5]).flat(); // Values of an array, in a value.
    return nested(Buffer.concat([nested(Buffer.from('k'), 1), nested(nested(Buffer.alloc(0), ...fields), 2)]), 7);
  };
  const value = Buffer.of(0x31, 0, 0, 0, 0, 0, 0, 0, 0);
  const request = (levels: number): Buffer =>
    nested(Buffer.concat([named, nested(Buffer.concat([value, deep(levels)]), 1, 5)]), 2, 2, 1);
  expect(readSeries(translate(request(64)).message)[0]?.labels).toContainEqual([
    'k',
    `${'['.repeat(64)}null${']'.repeat(64)}`,
  ]);
  expect(() => translate(request(65))).toThrow('a value is nested too deeply');
  expect(() => translate(request(5000))).toThrow(OtlpMalformedError);
});

test('millions of buckets in few bytes cost their point, and little time', () => {
  const counts = nested(Buffer.alloc(4_000_000), 2, 8, 1); // Packed zeros, positive side, points.
  const data = Buffer.concat([counts, Buffer.of(0x10, 2)]);
  const request = nested(Buffer.concat([named, nested(data, 10)]), 2, 2, 1);
  expect(translate(request)).toMatchObject({ dataPoints: 0, rejected: { count: 1 } });
});

test('a hundred thousand points alike of one series are one sample', () => {
  const point = Buffer.of(0x0a, 9, 0x31, 0, 0, 0, 0, 0, 0, 0, 0);
  const points = Buffer.alloc(point.length * 100_000, point);
  const request = nested(Buffer.concat([named, nested(points, 5)]), 2, 2, 1);
  const { message, dataPoints } = translate(request);
  expect(dataPoints).toBe(100_000);
  expect(readSeries(message)).toMatchObject([{ samples: [[0, '0']] }]);
});

test('a resource whose labels would repeat in too many series is too large', () => {
  const points = Array.from({ length: 100 }, (_, index) => ({
    asInt: 1,
    attributes: attributesOf({ n: String(index) }),
  }));
  const body = encodeRequest(
    requestOf([{ name: 'g', gauge: { dataPoints: points } }], { 'service.instance.id': 'x'.repeat(10_000) }),
  );
  expect(readSeries(translate(body, { messageBytesMax: 1_100_000 }).message)).toHaveLength(100);
  expect(() => translate(body, { messageBytesMax: 1_000_000 })).toThrow(
    expect.objectContaining({ kind: 'rejected', code: 'OTLP_TOO_LARGE' }),
  );
});

test('long labels that come again and again are too large as well, even if they are one series', () => {
  const points = new Array(1000).fill({ asInt: 1 });
  const body = encodeRequest(
    requestOf([{ name: 'g', gauge: { dataPoints: points } }], { 'service.instance.id': 'x'.repeat(10_000) }),
  );
  expect(() => translate(body, { messageBytesMax: 1_000_000 })).toThrow('larger than 1000000 bytes');
});

test('series of long labels that differ at their end are told apart, and each is found again', () => {
  const points = Array.from({ length: 2000 }, (_, index) => ({
    timeUnixNano: `${index}000000`,
    asInt: 1,
    attributes: attributesOf({ z: String(index % 500) }),
  }));
  const body = encodeRequest(
    requestOf([{ name: 'g', gauge: { dataPoints: points } }], { 'service.instance.id': 'x'.repeat(20_000) }),
  );
  const series = readSeries(translate(body).message);
  expect(series).toHaveLength(500);
  for (const { samples } of series) expect(samples).toHaveLength(4);
});

test('the limit is one of the message', () => {
  const points = Array.from({ length: 1000 }, (_, index) => ({
    attributes: attributesOf({ n: String(index) }),
    asInt: 1,
  }));
  const body = encodeRequest(requestOf([{ name: 'g', gauge: { dataPoints: points } }]));
  const { message } = translate(body);
  expect(message.length).toBeLessThan(60_000);
  expect(() => translate(body, { messageBytesMax: message.length - 1 })).toThrow('OTLP');
  expect(translate(body, { messageBytesMax: 60_000 }).message).toEqual(message);
});

test('exemplars beside many buckets cost the search for one, not the look at all', () => {
  const explicitBounds = Array.from({ length: 16_000 }, (_, index) => index);
  const exemplars = Array.from({ length: 1024 }, (_, index) => ({ asInt: index * 15 }));
  const point = { explicitBounds, bucketCounts: new Array(16_001).fill('1'), exemplars };
  const metric = { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [point] } };
  const [first] = readSeries(translate(encodeRequest(requestOf([metric]))).message).filter(
    ({ exemplars: ours }) => ours.length,
  );
  expect(first?.exemplars).toHaveLength(1);
});

test('a thousand attributes of a point or a resource are taken, more are refused with it', () => {
  const keys = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
  const request = (ofPoint: number, ofResource: number): Buffer =>
    encodeRequest(
      requestOf(
        [{ name: 'g', gauge: { dataPoints: [{ asInt: 1, attributes: attributesOf(keys(ofPoint)) }] } }],
        keys(ofResource),
      ),
    );
  expect(translate(request(1024, 1024)).dataPoints).toBe(1);
  expect(translate(request(1025, 0)).rejected).toEqual({
    count: 1,
    firstReasons: ['metric "g": a data point has more than 1024 attributes'],
  });
  expect(translate(request(0, 1025)).rejected).toEqual({
    count: 1,
    firstReasons: ['metric "g": its resource has more than 1024 attributes'],
  });
});

test('few exemplars of a point are kept, however many there are', () => {
  const exemplars = new Array(5000).fill({ asInt: 1 });
  const metric = { name: 'c', sum: { aggregationTemporality: 2, dataPoints: [{ asInt: 1, exemplars }] } };
  expect(readSeries(translate(encodeRequest(requestOf([metric]))).message)[0]?.exemplars).toHaveLength(1024);
});

test('values of very many elements are too large, all those of a point together', () => {
  const values = (count: number): object => ({ arrayValue: { values: new Array(count).fill({}) } });
  const request = (count: number): Buffer =>
    encodeRequest(
      requestOf([
        { name: 'g', gauge: { dataPoints: [{ asInt: 1, attributes: [{ key: 'a', value: values(count) }] }] } },
      ]),
    );
  expect(translate(request(65_536)).dataPoints).toBe(1);
  expect(() => translate(request(65_537))).toThrow(expect.objectContaining({ code: 'OTLP_TOO_LARGE' }));
  const halves = (count: number): object => ({
    asInt: 1,
    attributes: ['a', 'b'].map((key) => ({ key, value: values(count) })),
  });
  const points = (count: number): Buffer =>
    encodeRequest(requestOf([{ name: 'g', gauge: { dataPoints: [halves(count), halves(count)] } }]));
  expect(translate(points(32_768)).dataPoints).toBe(2);
  expect(() => translate(points(32_769))).toThrow(expect.objectContaining({ code: 'OTLP_TOO_LARGE' }));
});
