import fc from 'fast-check';
import { OtlpMalformedError, translateMetrics } from './index.js';
import { encodeRequest } from './testing/encode-request.js';
import { readLines, readSeries } from './testing/read-series.js';
import { arbitraryRequest } from './testing/arbitrary-request.js';

const options = { targetInfo: true, promoteResourceAttributes: ['a'] };
const translateJson = (text: string): ReturnType<typeof translateMetrics> =>
  translateMetrics(Buffer.from(text), 'application/json', options);
const gaugeText = (point: string): string =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[${point}]}}]}]}]}`;

test('a request in JSON is the same as in protobuf', () => {
  fc.assert(
    fc.property(arbitraryRequest, ({ json, plain }) => {
      const ours = translateJson(JSON.stringify(json));
      const theirs = translateMetrics(encodeRequest(plain), 'application/x-protobuf', options);
      expect(readSeries(ours.message)).toEqual(readSeries(theirs.message));
      expect(ours.rejected).toEqual(theirs.rejected);
      expect(ours.dataPoints).toBe(theirs.dataPoints);
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['integers as strings', '{"timeUnixNano":"1800000000000000001","asInt":"-3"}', 'g -3@1800000000000'],
  ['integers as numbers, beyond 2^53', '{"timeUnixNano":1799999999999999999,"asInt":-3}', 'g -3@1799999999999'],
  ['names as in the .proto file', '{"time_unix_nano":"5000000","as_double":2.5}', 'g 2.5@5'],
  ['doubles as strings', '{"asDouble":"1.5e3"}', 'g 1500@0'],
  ['NaN', '{"asDouble":"NaN"}', 'g NaN:0x7ff8000000000000@0'],
  ['infinities', '{"asDouble":"-Infinity"}', 'g -Infinity@0'],
  ['the last one of repeated fields', '{"asDouble":1,"asInt":2}', 'g 2@0'],
  ['null for absent', '{"asInt":1,"asDouble":null,"attributes":null,"flags":null}', 'g 1@0'],
  ['unknown fields', '{"x":{"y":[1,{"z":null},"\\""]},"asDouble":1,"_":true}', 'g 1@0'],
  ['white space', ' {\n"asDouble"\t:\r1 } ', 'g 1@0'],
  [
    'escapes',
    '{"asInt":0,"attributes":[{"key":"k","value":{"stringValue":"\\u00e9\\n\\ud83d\\ude00\\ud83d"}}]}',
    'g{k="é\\n😀�"} 0@0',
  ],
  ['fields of objects', '{"toString":1,"__proto__":2,"asInt":1}', 'g 1@0'],
])('taken: %s', (_what, point, line) => {
  expect(readLines(translateJson(gaugeText(point)).message)).toEqual([line]);
});

test('null for a value, as it is written for NaN where JSON has no word for it, is none', () => {
  expect(
    translateJson(gaugeText('{"asDouble":null},{"asDouble":2},{"asDouble":null,"flags":1,"timeUnixNano":"1000000"}')),
  ).toMatchObject({
    dataPoints: 2,
    rejected: { count: 1, firstReasons: ['metric "g": it has no value'] },
  });
});

test('enumerations are numbers or names', () => {
  const text = (temporality: string): string =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"c","sum":{"aggregationTemporality":${temporality},"isMonotonic":true,"dataPoints":[{"asInt":0}]}}]}]}]}`;
  for (const temporality of ['2', '"2"', '"AGGREGATION_TEMPORALITY_CUMULATIVE"']) {
    if (temporality === '"2"') expect(() => translateJson(text(temporality))).toThrow('enumeration');
    else expect(readLines(translateJson(text(temporality)).message)).toEqual(['c_total 0@0']);
  }
});

test('ids are hexadecimal', () => {
  const exemplar = '{"asInt":1,"traceId":"0102030405060708090A0b0c0d0e0f10","spanId":"0102030405060708"}';
  const text = gaugeText(`{"asInt":0,"exemplars":[${exemplar}]}`).replace(
    '"gauge":{',
    '"sum":{"aggregationTemporality":2,',
  );
  expect(readSeries(translateJson(text).message)[0]?.exemplars).toEqual([
    { labels: { span_id: '0102030405060708', trace_id: '0102030405060708090a0b0c0d0e0f10' }, value: 1, timestampMs: 0 },
  ]);
});

test.each([['{}'], ['null'], ['{"resourceMetrics":[]}'], ['{"resourceMetrics":null}'], ['{"resourceMetrics":[{}]}']])(
  '%s is an empty request',
  (text) => {
    expect(translateJson(text)).toMatchObject({ dataPoints: 0, rejected: { count: 0, firstReasons: [] } });
  },
);

test.each([
  [''],
  ['[]'],
  ['{'],
  ['{}}'],
  ['{} {}'],
  ['{"resourceMetrics":{}}'],
  ['{"resourceMetrics":[1]}'],
  ['{"resourceMetrics":[{},]}'],
  ['{"a":01}'],
  ['{"a":+1}'],
  ['{"a":.5}'],
  ['{"a":tru}'],
  ['{"a":"\\x"}'],
  ['{"a":"\n"}'],
  ['{"a":"'],
  ['{"a":"\\'],
  ["{'a':1}"],
  [gaugeText('{"timeUnixNano":"1.5"}')],
  [gaugeText('{"timeUnixNano":-1}')],
  [gaugeText('{"timeUnixNano":18446744073709551616}')],
  [gaugeText('{"timeUnixNano":1e3}')],
  [gaugeText('{"timeUnixNano":""}')],
  [gaugeText('{"timeUnixNano":true}')],
  [gaugeText('{"asDouble":"abc"}')],
  [gaugeText('{"asDouble":""}')],
  [gaugeText('{"asDouble":"0x10"}')],
  [gaugeText('{"asDouble":1e999}')],
  [gaugeText('{"attributes":[{"key":1}]}')],
  [gaugeText('{"attributes":[{"key":"a","value":{"boolValue":1}}]}')],
  [gaugeText('{"attributes":[{"key":"a","value":{"bytesValue":"*"}}]}')],
  [`{"a":${'['.repeat(100_000)}`],
])('%.60s is malformed', (text) => {
  expect(() => translateJson(text)).toThrow(OtlpMalformedError);
});

test('an id that is no hexadecimal, or of another length, is malformed', () => {
  for (const id of ['"xyz"', '"01"', '"0g02030405060708"', '1']) {
    const text = gaugeText(`{"asInt":0,"exemplars":[{"asInt":1,"spanId":${id}}]}`);
    const sum = text.replace('"gauge":{', '"sum":{"aggregationTemporality":2,');
    expect(() => translateJson(sum)).toThrow(OtlpMalformedError);
  }
});

test('the error says where', () => {
  expect(() => translateJson('{"resourceMetrics":[}')).toThrow('Cannot decode OTLP metrics: { is missing at offset 20');
});
