import fc from 'fast-check';
import { OtlpMalformedError, translateMetrics, translateMetricsInSlices, type Pace } from './index.js';
import { arbitraryRequest } from './testing/arbitrary-request.js';
import { attributesOf, encodeRequest, requestOf } from './testing/encode-request.js';

const options = { targetInfo: true, promoteResourceAttributes: ['service.name'] };

/** Rests at each step, and counts. */
function restlessPace(restsMax = Infinity): Pace & { readonly rests: number } {
  let rests = 0;
  return {
    isDue: true,
    get rests() {
      return rests;
    },
    rest() {
      rests += 1;
      return rests > restsMax ? Promise.reject(new Error('not wanted any more')) : Promise.resolve();
    },
  };
}

test('in slices a request becomes what it becomes in one go', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRequest, async ({ json, plain }) => {
      for (const [body, type] of [
        [encodeRequest(plain), 'application/x-protobuf'],
        [Buffer.from(JSON.stringify(json)), 'application/json'],
      ] as const) {
        const whole = translateMetrics(body, type, options);
        expect(await translateMetricsInSlices(body, type, options, restlessPace())).toEqual(whole);
      }
    }),
    { numRuns: 60 },
  );
});

const points = Array.from({ length: 10_000 }, (_, index) => ({
  asInt: index,
  attributes: attributesOf({ n: String(index) }),
}));
const metrics = [{ name: 'g', gauge: { dataPoints: points } }];
const large = encodeRequest(requestOf(metrics));
const largeJson = Buffer.from(JSON.stringify(requestOf(metrics)));

test.each([
  ['each point', large, 'application/x-protobuf', 10_000],
  ['each KiB of JSON, and each point', largeJson, 'application/json', 10_000 + largeJson.length / 2048],
  ['each KiB of empty metrics', nestedOf(200_000, 2, 1), 'application/x-protobuf', 150],
  ['each KiB of empty scopes', nestedOf(200_000, 1), 'application/x-protobuf', 150],
  ['each KiB of empty resources', nestedOf(200_000), 'application/x-protobuf', 150],
  ['each KiB of unknown fields', nestedOf(200_000, 2, 2, 1), 'application/x-protobuf', 150],
  ['each KiB of JSON that is skipped', Buffer.from(`{"x":[${'[],'.repeat(70_000)}0]}`), 'application/json', 150],
] as const)('others may have their turn after %s', async (_what, body, type, restsMin) => {
  const pace = restlessPace();
  await translateMetricsInSlices(body, type, options, pace);
  expect(pace.rests).toBeGreaterThan(restsMin);
});

/** So many bytes of empty messages of field 2 (of the request, field 1), in others. */
function nestedOf(bytes: number, ...fields: number[]): Buffer {
  const innermost = fields.length === 0 ? 0x0a : 0x12;
  return fields.reduce<Buffer>(
    (inner, field) => {
      const length = Buffer.of((inner.length & 0x7f) | 0x80, ((inner.length >> 7) & 0x7f) | 0x80, inner.length >> 14);
      return Buffer.concat([Buffer.of(field * 8 + 2), length, inner]);
    },
    Buffer.alloc(bytes, Buffer.of(innermost, 0)),
  );
}

test('a pace that is not due costs no turn', async () => {
  const pace: Pace = { isDue: false, rest: () => Promise.reject(new Error('not due')) };
  expect(await translateMetricsInSlices(large, 'application/x-protobuf', options, pace)).toMatchObject({
    dataPoints: 10_000,
  });
});

test('work that is not wanted any more ends at the next rest', async () => {
  const pace = restlessPace(100);
  await expect(translateMetricsInSlices(large, 'application/x-protobuf', options, pace)).rejects.toThrow('not wanted');
  expect(pace.rests).toBe(101);
});

test('a malformed body rejects', async () => {
  const pace = restlessPace();
  const cut = translateMetricsInSlices(large.subarray(0, -1), 'application/x-protobuf', options, pace);
  await expect(cut).rejects.toThrow(OtlpMalformedError);
});

test('larger parts than translate in few steps are refused', () => {
  const point = { asInt: 1, attributes: attributesOf({ long: 'x'.repeat(524_288) }) };
  const gauge = { name: 'g', gauge: { dataPoints: [point, { asInt: 1 }] } };
  const protobuf = 'application/x-protobuf';
  expect(translateMetrics(encodeRequest(requestOf([gauge])), protobuf, options)).toMatchObject({
    dataPoints: 1,
    rejected: { count: 1, firstReasons: ['metric "g": a data point is larger than 512 KiB'] },
  });
  const few = { name: 'g', gauge: { dataPoints: [{ asInt: 1 }] } };
  const resource = { k: 'x'.repeat(524_288) };
  expect(translateMetrics(encodeRequest(requestOf([few], resource)), protobuf, options)).toMatchObject({
    dataPoints: 0,
    rejected: { count: 1, firstReasons: ['metric "g": its resource is larger than 512 KiB'] },
  });
});

test.each([
  ['a long string', `{"x":"${'x'.repeat(1_048_577)}"}`, 'OTLP_TOO_LARGE'],
  ['much white space', ' '.repeat(65_537), 'OTLP_MALFORMED'],
  ['a long number', `{"x":${'1'.repeat(10_000_000)}}`, 'OTLP_MALFORMED'],
])('in JSON, %s ends in few steps', (_what, text, code) => {
  expect(() => translateMetrics(Buffer.from(text), 'application/json', options)).toThrow(
    expect.objectContaining({ code, kind: 'rejected' }),
  );
});

test('a group of very many parts is too large', () => {
  const group = Buffer.concat([Buffer.of(0x7b), Buffer.alloc(600_000, Buffer.of(0x78, 0)), Buffer.of(0x7c)]);
  expect(() => translateMetrics(group, 'application/x-protobuf', options)).toThrow(
    expect.objectContaining({ code: 'OTLP_TOO_LARGE' }),
  );
});
