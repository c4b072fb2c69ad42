import { translateMetrics, type Translation, type TranslationOptions } from './index.js';
import { attributesOf, encodeRequest, requestOf } from './testing/encode-request.js';
import { readLines, readSeries } from './testing/read-series.js';

const ms = 1_800_000_000_000;
const at = `${ms}000000`;
const cumulative = 'AGGREGATION_TEMPORALITY_CUMULATIVE';
const gauge = (name: string, ...dataPoints: object[]): object => ({ name, gauge: { dataPoints } });
const sum = (name: string, ...dataPoints: object[]): object => ({
  name,
  sum: { aggregationTemporality: cumulative, isMonotonic: true, dataPoints },
});
const histogram = (name: string, ...dataPoints: object[]): object => ({
  name,
  histogram: { aggregationTemporality: cumulative, dataPoints },
});
const exponential = (name: string, ...dataPoints: object[]): object => ({
  name,
  exponentialHistogram: { aggregationTemporality: cumulative, dataPoints },
});
const one = { timeUnixNano: at, asDouble: 1 };

function translate(request: object, options: Partial<TranslationOptions> = {}): Translation {
  return translateMetrics(encodeRequest(request), 'application/x-protobuf', {
    targetInfo: true,
    promoteResourceAttributes: [],
    ...options,
  });
}
const linesOf = (request: object, options: Partial<TranslationOptions> = {}): string[] =>
  readLines(translate(request, options).message);

describe('labels', () => {
  const service = { 'service.name': 'api', 'service.namespace': 'shop', 'service.instance.id': 'i-1', zone: 'b' };

  test('job and instance come of the service, and before attributes of those names', () => {
    const point = { ...one, attributes: attributesOf({ job: 'mine', instance: 'mine', code: '200' }) };
    expect(linesOf(requestOf([gauge('g', point)], service), { targetInfo: false })).toEqual([
      `g{code="200",instance="i-1",job="shop/api"} 1@${ms}`,
    ]);
  });

  test('promoted attributes of the resource give way to those of the point', () => {
    const points = [
      { ...one, attributes: attributesOf({ 'k8s.zone': 'point' }) },
      { ...one, attributes: attributesOf({ a: '1' }) },
    ];
    const request = requestOf([gauge('g', ...points)], { 'k8s.zone': 'resource', other: 'x' });
    const promoteResourceAttributes = ['k8s.zone', 'absent', 'k8s.zone'];
    expect(linesOf(request, { targetInfo: false, promoteResourceAttributes })).toEqual([
      `g{a="1",k8s_zone="resource"} 1@${ms}`,
      `g{k8s_zone="point"} 1@${ms}`,
    ]);
  });

  test('attributes with the same label name are joined in the order of their keys', () => {
    const point = { ...one, attributes: attributesOf({ 'a-b': '3', 'a.b': '4', 'a b': '1', 'a b ': '2' }) };
    expect(linesOf(requestOf([gauge('g', point)]))).toEqual([`g{a_b="1;3;4",a_b_="2"} 1@${ms}`]);
  });

  test('an attribute without a value makes no label, and labels are sorted', () => {
    const point = { ...one, attributes: [...attributesOf({ z: '1', empty: '', a: '2', B: '3' }), { key: 'none' }] };
    expect(readSeries(translate(requestOf([gauge('g', point)])).message)[0]?.labels).toEqual([
      ['B', '3'],
      ['__name__', 'g'],
      ['a', '2'],
      ['z', '1'],
    ]);
  });

  test('names of metrics, buckets and quantiles come before attributes of those names', () => {
    const attributes = attributesOf({ __name__: 'x', le: 'y', quantile: 'z' });
    const summary = { name: 's', summary: { dataPoints: [{ timeUnixNano: at, attributes, quantileValues: [{}] }] } };
    expect(linesOf(requestOf([histogram('h', { timeUnixNano: at, attributes }), summary]))).toEqual([
      `h_bucket{le="+Inf",quantile="z"} 0@${ms}`,
      `h_count{le="y",quantile="z"} 0@${ms}`,
      `s{le="y",quantile="0"} 0@${ms}`,
      `s_count{le="y",quantile="z"} 0@${ms}`,
      `s_sum{le="y",quantile="z"} 0@${ms}`,
    ]);
  });

  test.each([
    [{ stringValue: 'text' }, 'text'],
    [{ boolValue: true }, 'true'],
    [{ intValue: '-9223372036854775808' }, '-9223372036854775808'],
    [{ doubleValue: 1 }, '1'],
    [{ doubleValue: 1e21 }, '1e+21'],
    [{ doubleValue: 1.5e-7 }, '1.5e-7'],
    [{ doubleValue: -0 }, '-0'],
    [{ doubleValue: NaN }, 'NaN'],
    [{ doubleValue: -Infinity }, '-Infinity'],
    [{ bytesValue: 'AAECAw==' }, 'AAECAw=='],
    [{ arrayValue: { values: [{ intValue: 1 }, { stringValue: '<é>' }, {}] } }, '[1,"\\u003cé\\u003e",null]'],
    [
      {
        kvlistValue: {
          values: [
            { key: 'b', value: { boolValue: false } },
            { key: 'a', value: { arrayValue: { values: [{ bytesValue: 'AA==' }] } } },
          ],
        },
      },
      '{"a":["AA=="],"b":false}',
    ],
    [{ arrayValue: { values: [{ bytesValue: '' }, { bytesValue: 'AA==' }] } }, '[null,"AA=="]'], // As Thanos has it.
    [{ arrayValue: { values: [{ doubleValue: NaN }] } }, undefined],
    [{ arrayValue: { values: [] } }, '[]'],
    [{ kvlistValue: {} }, '{}'],
  ])('the value %j becomes the text %j', (value, text) => {
    const point = { ...one, attributes: [{ key: 'a', value }] };
    const { labels } = readSeries(translate(requestOf([gauge('g', point)])).message)[0]!;
    expect(labels.find(([name]) => name === 'a')?.[1]).toBe(text);
  });
});

describe('target_info', () => {
  const points = [one, { timeUnixNano: `${ms + 1}000000`, asInt: 7 }];

  test('tells the other attributes of the resource, at the time of its last point', () => {
    const resource = { 'service.name': 'api', 'host.name': 'h', 'host name': 'g' };
    expect(linesOf(requestOf([gauge('g', ...points)], resource))).toEqual([
      `g{job="api"} 1@${ms}`,
      `g{job="api"} 7@${ms + 1}`,
      `target_info{host_name="g;h",job="api"} 1@${ms + 1}`,
    ]);
  });

  test.each([
    ['there are no others', { 'service.name': 'api', 'service.namespace': 'shop' }, true],
    ['nothing identifies the target', { 'host.name': 'h', 'service.namespace': 'shop' }, true],
    ['it is not asked for', { 'service.name': 'api', 'host.name': 'h' }, false],
  ])('is left out if %s', (_why, resource, targetInfo) => {
    expect(linesOf(requestOf([gauge('g', one)], resource), { targetInfo }).join()).not.toContain('target_info');
  });

  test('is left out of a resource of which no point was taken', () => {
    const request = requestOf([gauge('...', one)], { 'service.name': 'api', 'host.name': 'h' });
    expect(translate(request)).toMatchObject({ dataPoints: 0, rejected: { count: 1 } });
    expect(linesOf(request)).toEqual([]);
  });

  test('is there once for resources that are alike', () => {
    const [resource] = (
      requestOf([gauge('g', one)], { 'service.name': 'api', a: 'b' }) as { resourceMetrics: object[] }
    ).resourceMetrics;
    expect(linesOf({ resourceMetrics: [resource, resource] })).toEqual([
      `g{job="api"} 1@${ms}`,
      `target_info{a="b",job="api"} 1@${ms}`,
    ]);
  });
});

describe('samples', () => {
  test('times are cut to milliseconds, exactly', () => {
    const times = ['1799999999999999999', '1800000000000000000', '1', '18446744073708551616'];
    expect(linesOf(requestOf([gauge('g', ...times.map((timeUnixNano) => ({ timeUnixNano, asInt: 1 })))]))).toEqual([
      'g 1@-1',
      'g 1@0',
      'g 1@1799999999999',
      'g 1@1800000000000',
    ]);
  });

  test('samples of one series come in the order of their times, each once', () => {
    const points = [3, 1, 2, 1, 2].map((step) => ({ timeUnixNano: `${ms + step}000000`, asInt: step }));
    const other = { timeUnixNano: `${ms + 2}000000`, asInt: 9 };
    expect(linesOf(requestOf([gauge('g', ...points), gauge('g', other)]))).toEqual([
      `g 1@${ms + 1}`,
      `g 2@${ms + 2}`,
      `g 9@${ms + 2}`, // The storage judges this one.
      `g 3@${ms + 3}`,
    ]);
  });

  test('a large integer is the double next to it', () => {
    expect(linesOf(requestOf([gauge('g', { timeUnixNano: at, asInt: '9007199254740993' })]))).toEqual([
      `g 9007199254740992@${ms}`,
    ]);
  });

  test('without a value, what was not recorded is a stale marker', () => {
    expect(linesOf(requestOf([gauge('g', { timeUnixNano: at, flags: 1 })]))).toEqual([
      `g NaN:0x7ff0000000000002@${ms}`,
    ]);
  });

  test('what was not recorded ends all series of the point', () => {
    const gone = { timeUnixNano: at, flags: 1, sum: 3, count: '2', bucketCounts: ['1', '1'], explicitBounds: [1] };
    expect(linesOf(requestOf([histogram('h', gone), sum('c', gone)]))).toEqual(
      ['c_total', 'h_bucket{le="+Inf"}', 'h_bucket{le="1"}', 'h_count', 'h_sum'].map(
        (id) => `${id} NaN:0x7ff0000000000002@${ms}`,
      ),
    );
  });

  test('the payload of a NaN survives', () => {
    const body = encodeRequest(requestOf([gauge('g', one)]));
    body.set(Buffer.from('0200deadbeeff87f', 'hex'), body.indexOf('000000000000f03f', 'hex'));
    const { message } = translateMetrics(body, 'application/x-protobuf', {
      targetInfo: false,
      promoteResourceAttributes: [],
    });
    expect(readLines(message)).toEqual([`g NaN:0x7ff8efbeadde0002@${ms}`]);
  });
});

describe('explicit histograms', () => {
  test('buckets add up, and bounds are written without an exponent', () => {
    const point = {
      timeUnixNano: at,
      count: '10',
      bucketCounts: ['1', '2', '3', '4'],
      explicitBounds: [1e-7, 2.5, 1.5e21],
    };
    expect(linesOf(requestOf([{ ...histogram('h', point), unit: 'ms' }]))).toEqual([
      `h_milliseconds_bucket{le="+Inf"} 10@${ms}`,
      `h_milliseconds_bucket{le="0.0000001"} 1@${ms}`,
      `h_milliseconds_bucket{le="1500000000000000000000"} 6@${ms}`,
      `h_milliseconds_bucket{le="2.5"} 3@${ms}`,
      `h_milliseconds_count 10@${ms}`,
    ]);
  });

  test('an exemplar is with the first bucket that holds it', () => {
    const exemplars = [0.5, 1, 1.5, 99, NaN].map((asDouble) => ({ timeUnixNano: at, asDouble }));
    const point = { timeUnixNano: at, count: '3', bucketCounts: ['1', '1', '1'], explicitBounds: [1, 2], exemplars };
    const found = readSeries(translate(requestOf([histogram('h', point)])).message);
    expect(
      found.flatMap(({ labels, exemplars: ours }) => ours.map((exemplar) => [labels.at(-1)?.[1], exemplar])),
    ).toEqual([
      ['+Inf', { labels: {}, value: 99, timestampMs: ms }],
      ['1', { labels: {}, value: 0.5, timestampMs: ms }],
      ['1', { labels: {}, value: 1, timestampMs: ms }],
      ['2', { labels: {}, value: 1.5, timestampMs: ms }],
    ]);
  });
});

describe('exemplars', () => {
  const ids = {
    traceId: Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex').toString('base64'),
    spanId: Buffer.from('0102030405060708', 'hex').toString('base64'),
  };
  const exemplarsOf = (exemplar: object): object[] => {
    const request = requestOf([sum('c', { ...one, exemplars: [{ timeUnixNano: at, ...exemplar }] })]);
    return [...(readSeries(translate(request).message)[0]?.exemplars ?? [])];
  };

  test('carry their ids in hexadecimal, and attributes under their own keys', () => {
    expect(exemplarsOf({ asInt: 3, ...ids, filteredAttributes: attributesOf({ 'http.route': '/' }) })).toEqual([
      {
        labels: { 'http.route': '/', span_id: '0102030405060708', trace_id: '0102030405060708090a0b0c0d0e0f10' },
        value: 3,
        timestampMs: ms,
      },
    ]);
  });

  test.each([
    // trace_id and span_id take 63 characters of the 128 with their values.
    ['all attributes find room', 'é'.repeat(64), ['k', 'span_id', 'trace_id']],
    ['one character is too many', 'é'.repeat(65), ['span_id', 'trace_id']],
  ])('keep attributes only if %s', (_why, text, names) => {
    const [exemplar] = exemplarsOf({ asInt: 3, ...ids, filteredAttributes: attributesOf({ k: text }) });
    expect(Object.keys((exemplar as { labels: object }).labels)).toEqual(names);
  });

  test('without a value, or with ids of zeros, leave out what is missing', () => {
    expect(exemplarsOf(ids)).toEqual([]);
    expect(exemplarsOf({ asDouble: 1, spanId: Buffer.alloc(8).toString('base64') })).toEqual([
      { labels: {}, value: 1, timestampMs: ms },
    ]);
  });
});

describe('what has no translation is refused, and the rest is taken', () => {
  const badKey = { ...one, attributes: attributesOf({ '...': 'x' }) };
  test.each([
    [
      'delta sums',
      { name: 'm', sum: { aggregationTemporality: 1, dataPoints: [one, one] } },
      2,
      'its temporality is delta, not cumulative',
    ],
    [
      'no temporality',
      { name: 'm', histogram: { dataPoints: [one] } },
      1,
      'its temporality is unspecified, not cumulative',
    ],
    [
      'an unknown temporality',
      { name: 'm', sum: { aggregationTemporality: 7, dataPoints: [one] } },
      1,
      'its temporality is unspecified, not cumulative',
    ],
    ['no data', { name: 'm' }, 0, 'it has no data'],
    ['no points', gauge('m'), 0, 'it has no data points'],
    ['no value', gauge('m', { timeUnixNano: at }), 1, 'it has no value'],
    ['no value, with another flag', sum('m', { timeUnixNano: at, flags: 2 }), 1, 'it has no value'],
    ['no letters', gauge('é', one), 1, 'its name has no letter and no digit'],
    ['a bad key', gauge('m', badKey, badKey), 2, 'the key of an attribute has no letter and no digit'],
    ['a coarse scale', exponential('m', { scale: -5 }), 1, 'a scale of -5 is below -4'],
    [
      'a far bucket',
      exponential('m', { positive: { offset: 2147483647, bucketCounts: ['1'] } }),
      1,
      'its buckets reach beyond 32 bits',
    ],
    [
      'many buckets',
      histogram('m', { bucketCounts: new Array(16_385).fill('0') }),
      1,
      'a data point has more than 16384 buckets',
    ],
    [
      'many bounds',
      histogram('m', { explicitBounds: new Array(16_385).fill(0) }),
      1,
      'a data point has more than 16384 buckets',
    ],
    [
      'many fine buckets',
      exponential('m', { negative: { bucketCounts: new Array(16_385).fill('0') } }),
      1,
      'a data point has more than 16384 buckets',
    ],
    [
      'many quantiles',
      { name: 'm', summary: { dataPoints: [{ quantileValues: new Array(16_385).fill({}) }] } },
      1,
      'a data point has more than 16384 buckets',
    ],
    ['a huge name', gauge('m'.repeat(70_000), one), 1, 'its name or unit is too long'],
  ])('%s', (_what, metric, count, reason) => {
    const translation = translate(requestOf([gauge('before', one), metric, gauge('after', one)]));
    expect(translation.dataPoints).toBe(2);
    expect(translation.rejected.count).toBe(count);
    expect(translation.rejected.firstReasons).toHaveLength(1);
    expect(translation.rejected.firstReasons[0]?.split('": ')[1]).toBe(reason);
    expect(readLines(translation.message)).toEqual([`after 1@${ms}`, `before 1@${ms}`]);
  });

  test('a bad point takes none of its metric along', () => {
    expect(translate(requestOf([gauge('g', one, badKey)]))).toMatchObject({ dataPoints: 1, rejected: { count: 1 } });
  });

  test('few reasons are told, each once and at a bounded length', () => {
    const names = ['a', 'a', 'b\n', 'c', 'd', 'e', 'f'].map((name) => `${name}${'x'.repeat(200)}`);
    const { count, firstReasons } = translate(
      requestOf(names.map((name) => exponential(name, { scale: -9 }))),
    ).rejected;
    expect(count).toBe(7);
    expect(firstReasons).toHaveLength(5);
    for (const reason of firstReasons)
      expect(reason).toMatch(/^metric "[ -~]{128,140}\.\.\.": a scale of -9 is below -4$/);
  });
});
