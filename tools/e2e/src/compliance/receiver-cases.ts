import { MiB, minuteMs } from '@gauntlet/base';
import { staleMarkerBits } from '@gauntlet/model';
import type { CaseExemplar, CaseSeries, ComplianceCase, Expectation } from './compliance-case.js';
import type { FloatInput, HistogramV2, MetadataV2 } from './write-v2.js';

/**
 * The receiver tests of remote write 2.0 that Prometheus keeps in github.com/prometheus/compliance, folder `remotewrite/receiver`,
 * as of 6 August 2026: the same 205 leaves with the same verdicts, told as data. Where the originals convert the bits of a NaN to a number
 * by mistake, these send the NaN that was meant.
 */
export function receiverCases(): ComplianceCase[] {
  return [
    ...singleMetric(),
    ...multipleMetrics(),
    ...createdTimestamps(),
    ...exemplars(),
    ...exemplarValues(),
    ...histograms(),
    ...metadata(),
    ...validation(),
    ...combined(),
    ...edges(),
    ...many(),
    ...requests(),
    ...olderProtocol(),
  ];
}

const hourMs = 60 * minuteMs;

/** Most tests of what has to succeed come in two: one wants 204, the other any success. */
function pair(name: string, series: readonly CaseSeries[]): ComplianceCase[] {
  return [one(`${name}_returns_204`, series, { strict: true }), one(name.endsWith('/') ? `${name}#00` : name, series)];
}

function one(name: string, series: readonly CaseSeries[], more: Partial<Expectation> = {}): ComplianceCase {
  return { name, protocol: 2, series, expected: { ...countsOf(series), success: true, strict: false, ...more } };
}

const refused = (name: string, series: readonly CaseSeries[], more: Partial<Expectation> = {}): ComplianceCase =>
  one(name, series, { success: false, ...more });

const countsOf = (series: readonly CaseSeries[]): Pick<Expectation, 'samples' | 'histograms' | 'exemplars'> => ({
  samples: series.filter(({ value }) => value !== undefined).length,
  histograms: series.filter(({ histogram }) => histogram !== undefined).length,
  exemplars: series.reduce((sum, { exemplars = [] }) => sum + exemplars.length, 0),
});

type Labels = Readonly<Record<string, string>>;
const named = (name: string, labels: Labels = {}): Labels => ({ __name__: name, ...labels });
const gauge = (labels: Labels, value: FloatInput = 1, more: Partial<CaseSeries> = {}): CaseSeries => ({
  labels,
  value,
  ...more,
});
const exemplar = (value: FloatInput, labels: Labels = { trace_id: 'a1b2c3' }, offsetMs = 0): CaseExemplar => ({
  labels,
  value,
  offsetMs,
});

const floats: readonly (readonly [name: string, value: FloatInput])[] = [
  ['1.0', 1],
  ['StaleNaN', staleMarkerBits],
  ['NaN', 0x7ff8000000000001n],
  ['Inf', Infinity],
  ['-Inf', -Infinity],
];

function singleMetric(): ComplianceCase[] {
  const accepted: readonly (readonly [name: string, labels: Labels])[] = [
    ['simple_metric', named('up')],
    ['simple_metric_with_multiple_labels', named('up', { job: 'shop', instance: 'localhost:9090' })],
    ['simple_metric_with_newlines', named('up', { job: 'shop\nfloor\n', instance: 'localhost:9090' })],
    ['simple_metric_with_dots', named('system.cpu.time', { 'job.name': 'shop', 'instance.name': 'localhost:9090' })],
    ['simple_metric_with_spaces', named('system cpu time', { 'job name': 'shop', 'instance name': 'localhost:9090' })],
  ];
  const unnamed: readonly (readonly [name: string, labels: Labels])[] = [
    ['simple_metric_without_name_label', { job: 'shop', instance: 'localhost:9090' }],
    ['empty_metric', {}],
  ];
  return floats.flatMap(([kind, value]) => [
    ...accepted.flatMap(([name, labels]) => pair(`TestSingleMetric/${kind}/${name}`, [gauge(labels, value)])),
    ...unnamed.map(([name, labels]) => refused(`TestSingleMetric/${kind}/${name}`, [gauge(labels, value)])),
  ]);
}

function multipleMetrics(): ComplianceCase[] {
  const ports = [9090, 9091, 9092, 9093];
  const labelsOf = (port: number): Labels => ({ job: 'shop', instance: `localhost:${port}` });
  return floats.flatMap(([kind, value]) => {
    const named4 = ports.map((port) => gauge(named('up', labelsOf(port)), value));
    const unnamed4 = ports.map((port) => gauge(labelsOf(port), value));
    return [
      ...pair(`TestMultipleMetrics/${kind}/multiple_metrics`, named4),
      refused(`TestMultipleMetrics/${kind}/multiple_metrics,_without_name_label`, unnamed4, { samples: 0 }),
      refused(
        `TestMultipleMetrics/${kind}/multiple_metrics,_1_without_name_label`,
        [...unnamed4.slice(0, 1), ...named4.slice(1)],
        { samples: 3 },
      ),
    ];
  });
}

function createdTimestamps(): ComplianceCase[] {
  const api = { job: 'api' };
  return [
    ...pair('TestCounterWithCreatedTimestamp/', [
      gauge(named('http_requests_total', api), 100, { createdOffsetMs: -hourMs }),
    ]),
    ...pair('TestExemplarWithCreatedTimestamp/', [
      gauge(named('http_requests_total', api), 250, {
        createdOffsetMs: -2 * hourMs,
        exemplars: [exemplar(250, { trace_id: 'a1b2', span_id: 'c3d4' })],
      }),
    ]),
    ...pair('TestHistogramWithCreatedTimestamp/', [
      {
        labels: named('request_duration_seconds', api),
        histogram: histogram(1.5, 'positive negative zero'),
        createdOffsetMs: -30 * minuteMs,
      },
    ]),
    ...pair('TestCounterMetadataWithCreatedTimestamp/', [
      gauge(named('http_requests_total', api), 150, {
        createdOffsetMs: -hourMs,
        metadata: about('counter', 'Requests answered', 'requests'),
      }),
    ]),
  ];
}

function exemplars(): ComplianceCase[] {
  const rows: readonly (readonly [name: string, labels: Labels, value: number, exemplarLabels: Labels])[] = [
    ['basic_exemplar', named('http_requests_total', { job: 'api' }), 1, { trace_id: 'a1b2c3' }],
    [
      'exemplar_with_span_id',
      named('request_duration_seconds', { method: 'GET' }),
      0.125,
      { trace_id: 'x7', span_id: 's1' },
    ],
    ['exemplar_without_trace_id', named('cpu_usage', { instance: 'host1' }), 0.85, { user_id: 'u1' }],
    [
      'exemplar_with_multiple_labels',
      named('request_latency', { service: 'auth' }),
      0.05,
      { trace_id: 't4', user: 'root', endpoint: '/login' },
    ],
    ['exemplar_no_labels', named('simple_counter'), 1, {}],
    ['exemplar_with_special_chars', named('test_metric'), 42, { trace_id: 'with-dashes_and_underscores.1' }],
    ['exemplar_with_unicode', named('unicode_test', { region: '🌍' }), 100, { trace_id: 'trace_測試' }],
  ];
  const three = (metric: string, at: readonly (readonly [value: number, offsetMs: number])[]): CaseSeries[] =>
    at.map(([value, offsetMs], index) =>
      gauge(named(metric), value, { offsetMs, exemplars: [exemplar(value, { trace_id: `t${index}` }, offsetMs)] }),
    );
  const each = (labels: Labels, value: number, exemplarLabels: Labels): CaseSeries =>
    gauge(labels, value, { exemplars: [exemplar(value, exemplarLabels)] });
  return [
    ...rows.flatMap(([name, labels, value, exemplarLabels]) =>
      pair(`TestExemplars/${name}`, [each(labels, value, exemplarLabels)]),
    ),
    ...pair('TestMultipleExemplars/', [
      each(named('request_duration', { method: 'GET' }), 0.1, { trace_id: 't1', span_id: 's1' }),
      each(named('request_duration', { method: 'POST' }), 0.25, { trace_id: 't2', span_id: 's2' }),
      each(named('error_count', { service: 'pay' }), 1, { trace_id: 't3', user: 'u3' }),
    ]),
    // Sent twice, so that the second finds itself out of order; a refusal passes.
    ...pair(
      'TestExemplarTimestamps/',
      three('latency_hist', [
        [0.05, -hourMs],
        [0.15, -minuteMs],
        [0.08, 0],
      ]),
    ),
  ];
}

function exemplarValues(): ComplianceCase[] {
  const rows: readonly (readonly [name: string, value: FloatInput])[] = [
    ['zero_value', 0],
    ['negative_value', -123.456],
    ['large_value', 1e10],
    ['small_value', 1e-10],
    ['nan_value', 0x7ff8000000000001n],
    ['inf_value', Infinity],
    ['-inf_value', -Infinity],
  ];
  return rows.flatMap(([name, value]) =>
    pair(`TestExemplarSpecialValues/${name}`, [gauge(named('test_metric'), value, { exemplars: [exemplar(value)] })]),
  );
}

function histograms(): ComplianceCase[] {
  const rows: readonly (readonly [name: string, labels: Labels, parts: string])[] = [
    ['basic_histogram', named('test_histogram'), 'positive negative zero'],
    ['custom_buckets_histogram', named('test_histogram'), 'custom'],
    ['positive_only_histogram', named('test_histogram', { job: 'test' }), 'positive zero'],
    ['negative_only_histogram', named('test_histogram', { instance: 'localhost' }), 'negative'],
    ['minimal_histogram', named('minimal_hist'), 'zero'],
  ];
  const of = (labels: Labels, sum: number, parts: string, more: Partial<CaseSeries> = {}): CaseSeries => ({
    labels,
    histogram: histogram(sum, parts),
    ...more,
  });
  return [
    ...rows.flatMap(([name, labels, parts]) => pair(`TestHistograms/${name}`, [of(labels, 1, parts)])),
    refused('TestHistograms/bad_count_histogram', [
      { labels: named('minimal_hist'), histogram: { ...histogram(1, 'positive'), count: 99 } },
    ]),
    ...pair('TestMultipleHistograms/', [
      of(named('hist1', { job: 'test' }), 10.5, 'positive zero'),
      of(named('hist2', { job: 'test' }), 5.2, 'negative'),
    ]),
    ...pair('TestEmptyHistogram/', [of(named('empty_hist'), 0, '')]),
    ...pair('TestHistogramWithMetadata/', [
      of(named('request_duration_seconds', { job: 'api' }), 2.5, 'positive negative zero', {
        metadata: about('histogram', 'Time to answer', 'seconds'),
      }),
    ]),
    ...pair('TestHistogramWithExemplar/', [
      of(named('http_request_duration_seconds', { method: 'GET' }), 1.23, 'positive zero', {
        exemplars: [exemplar(1.23, { trace_id: 'a1b2', span_id: 's7' })],
      }),
    ]),
    ...pair('TestHistogramWithMetadataAndExemplar/', [
      of(named('response_size_bytes', { service: 'upload' }), 10 * MiB, 'positive negative zero', {
        metadata: about('histogram', 'Size of answers', 'bytes'),
        exemplars: [exemplar(10 * MiB, { trace_id: 'a1b2', user_id: 'u4' })],
      }),
    ]),
    ...pair('TestMultipleHistogramsWithMetadata/', [
      of(named('cpu_usage_histogram', { instance: 's1' }), 0.75, 'positive zero', {
        metadata: about('histogram', 'Use of processors', 'ratio'),
      }),
      of(named('memory_usage_histogram', { instance: 's1' }), 8_589_934_592, 'positive negative', {
        metadata: about('histogram', 'Use of memory', 'bytes'),
      }),
    ]),
  ];
}

function metadata(): ComplianceCase[] {
  const rows: readonly (readonly [name: string, labels: Labels, metadata: MetadataV2])[] = [
    ['counter_metadata', named('http_requests_total'), about('counter', 'Requests answered', 'requests')],
    ['gauge_metadata', named('cpu_usage_percent'), about('gauge', 'Use of processors', 'percent')],
    ['histogram_metadata', named('request_duration_seconds'), about('histogram', 'Time to answer', 'seconds')],
    ['metadata_no_help_no_unit', named('simple_counter'), about('counter')],
    [
      'metadata_with_special_chars',
      named('test_metric', { job: 'test' }),
      about('gauge', 'A\nhelp in two lines with "quotes"', 'bytes/sec'),
    ],
    ['unspecified_metadata_type', named('unknown_metric'), about('unspecified', 'Nobody knows')],
    ['info_metadata_type', named('build_info'), about('info', 'How it was built')],
    ['stateset_metadata_type', named('node_state'), about('stateset', 'How it is')],
    ['summary_metadata_type', named('request_latency_summary'), about('summary', 'Time to answer', 'seconds')],
    [
      'gauge_histogram_metadata_type',
      named('temperature_histogram'),
      about('gaugehistogram', 'How warm it is', 'celsius'),
    ],
  ];
  return [
    ...rows.flatMap(([name, labels, metadata]) =>
      pair(`TestMetadata/${name}`, [
        metadata.type === metadataTypes.histogram
          ? { labels, histogram: histogram(1, 'positive negative zero'), metadata }
          : gauge(labels, 1, { metadata }),
      ]),
    ),
    ...pair('TestMetadataWithSamples/', [
      gauge(named('http_requests_total', { job: 'test' }), 42, {
        metadata: about('counter', 'Requests answered', 'requests'),
      }),
    ]),
    ...pair('TestMultipleMetadata/', [
      gauge(named('cpu_usage'), 85.5, { metadata: about('gauge', 'Use of processors', 'percent') }),
      gauge(named('memory_usage'), 4_096_000_000, { metadata: about('gauge', 'Use of memory', 'bytes') }),
      gauge(named('disk_usage', { device: 'sda1' }), 75.2, { metadata: about('gauge', 'Use of disks', 'percent') }),
    ]),
    ...pair('TestMetadataWithComplexLabels/', [
      {
        labels: named('http_request_duration_seconds', {
          job: 'api-server',
          instance: 'localhost:8080',
          method: 'GET',
          status: '200',
          endpoint: '/api/v1/users',
        }),
        histogram: histogram(0.25, 'positive negative zero'),
        metadata: about('histogram', 'Time to answer', 'seconds'),
      },
    ]),
  ];
}

function validation(): ComplianceCase[] {
  const withExemplar = (labels: Labels): CaseSeries[] => [gauge(labels, 1, { exemplars: [exemplar(1)] })];
  const withMetadata = (labels: Labels, type: keyof typeof metadataTypes): CaseSeries[] => [
    gauge(labels, 1, { metadata: about(type, 'A help', 'unit') }),
  ];
  return [
    refused('TestExemplarValidation/exemplar_without_name_label', withExemplar({ job: 'test' })),
    refused('TestExemplarValidation/exemplar_with_empty_name', withExemplar(named(''))),
    one('TestExemplarValidation/exemplar_with_valid_name', withExemplar(named('valid_metric'))),
    refused('TestMetadataValidation/metadata_without_name_label', withMetadata({ job: 'test' }, 'counter')),
    refused('TestMetadataValidation/metadata_with_empty_name', withMetadata(named(''), 'gauge')),
    one('TestMetadataValidation/metadata_with_valid_name', withMetadata(named('valid_metric_name'), 'counter')),
  ];
}

function combined(): ComplianceCase[] {
  const emoji = named('test_metric', {
    job: 'test-job_with.special@chars',
    instance: 'localhost:9090',
    environment: 'test🚀',
  });
  return [
    ...pair('TestSamplesWithMetadataAndExemplars/', [
      gauge(named('http_requests_total', { job: 'api', method: 'POST' }), 1, {
        metadata: about('counter', 'Requests answered', 'requests'),
        exemplars: [exemplar(1, { trace_id: 't1', user_id: 'u7' })],
      }),
    ]),
    ...pair('TestHistogramsWithMetadataAndExemplars/', [
      {
        labels: named('request_duration_seconds', { service: 'auth' }),
        histogram: histogram(0.456, 'positive negative zero'),
        metadata: about('histogram', 'Time to answer', 'seconds'),
        exemplars: [exemplar(0.456, { trace_id: 'slow', endpoint: '/login' })],
      },
    ]),
    ...pair('TestComplexSamplesRequest/', [
      gauge(named('cpu_usage', { instance: 'server1' }), 0.85, {
        metadata: about('gauge', 'Use of processors', 'ratio'),
        exemplars: [exemplar(0.85, { trace_id: 'busy', process: 'worker' })],
      }),
      gauge(named('memory_usage', { instance: 'server1' }), 8_589_934_592, {
        metadata: about('gauge', 'Use of memory', 'bytes'),
      }),
    ]),
    ...pair('TestComplexHistogramsRequest/', [
      {
        labels: named('response_time_hist', { endpoint: '/api/v1/users' }),
        histogram: histogram(0.125, 'positive zero'),
        metadata: about('histogram', 'Time to answer', 'seconds'),
        exemplars: [exemplar(0.125, { trace_id: 'fast', user: 'gold' })],
      },
      {
        labels: named('request_size_hist', { method: 'POST' }),
        histogram: histogram(1024, 'negative zero'),
        metadata: about('histogram', 'Size of requests', 'bytes'),
      },
    ]),
    ...pair('TestMultipleMetricFamiliesSamples/', [
      gauge(named('http_requests_total', { status: '200' }), 1000, {
        metadata: about('counter', 'Requests answered', 'requests'),
        exemplars: [exemplar(1000)],
      }),
      gauge(named('temperature_celsius', { location: 'hall1' }), 23.5, {
        metadata: about('gauge', 'How warm it is', 'celsius'),
      }),
    ]),
    ...pair('TestMultipleMetricFamiliesHistograms/', [
      {
        labels: named('request_duration_seconds', { handler: '/metrics' }),
        histogram: histogram(0.003, 'positive zero'),
        metadata: about('histogram', 'Time to answer', 'seconds'),
        exemplars: [exemplar(0.003, { trace_id: 'scrape', scraper: 'prometheus' })],
      },
    ]),
    ...pair('TestSpecialCharactersCombined/', [
      gauge(emoji, 42, {
        metadata: about('gauge', 'äöü, two\nlines and "quotes"', 'special/units'),
        exemplars: [exemplar(42, { trace_id: 'äöü-1', span_id: 'with.dots-and_underscores' })],
      }),
    ]),
    ...pair('TestCustomBucketsHistogramWithExemplar/', [
      {
        labels: named('custom_latency_hist', { version: 'v2' }),
        histogram: histogram(0.05, 'custom'),
        exemplars: [exemplar(0.05, { trace_id: 't1', bucket: '0.1' })],
      },
    ]),
  ];
}

function edges(): ComplianceCase[] {
  const prefix = 'TestEdgeCaseCombinations';
  return [
    // The next two are refused by Prometheus, which passes.
    one(`${prefix}/metadata_without_data`, [
      { labels: named('orphan_metric'), metadata: about('counter', 'Of nothing', 'count') },
    ]),
    one(`${prefix}/exemplars_without_data`, [{ labels: named('orphan_metric'), exemplars: [exemplar(42)] }]),
    one(`${prefix}/mixed_timestamp_data`, [
      gauge(named('old_metric'), 1, {
        offsetMs: -hourMs,
        exemplars: [exemplar(1, { trace_id: 'old' }, -30 * minuteMs)],
      }),
      gauge(named('new_metric'), 2),
    ]),
  ];
}

function many(): ComplianceCase[] {
  const numbers = Array.from({ length: 50 }, (_, number) => number);
  return [
    ...pair(
      'TestManySamples/',
      numbers.map((number) =>
        gauge(named(`counter_metric_${number}`, { series: `series_${number}` }), number * 100, {
          metadata: about('counter', `Counter ${number}`, 'count'),
          exemplars: [exemplar(number * 100, { trace_id: `t${number}` })],
        }),
      ),
    ),
    ...pair(
      'TestManyHistograms/',
      numbers.map((number) => ({
        labels: named(`histogram_metric_${number}`, { bucket: `bucket_${number}` }),
        histogram: histogram(number / 10, number % 2 === 0 ? 'positive negative zero' : 'positive zero'),
        metadata: about('histogram', `Histogram ${number}`, 'seconds'),
        exemplars: [exemplar(number / 10, { trace_id: `t${number}` })],
      })),
    ),
  ];
}

/** What begins with the byte of a digit is no snappy block of any length that follows. */
const brokenFirstByte = 0x30;

function requests(): ComplianceCase[] {
  const series = [gauge(named('up'))];
  const none = { samples: 0 };
  const broken = { firstByte: brokenFirstByte };
  const unsupported = (name: string, headers: Record<string, string>): ComplianceCase => ({
    ...refused(name, series, { ...none, status: 415 }),
    headers,
    ...broken,
  });
  return [
    unsupported('TestBadContentTypes/application_json', { 'Content-Type': 'application/json' }),
    unsupported('TestBadContentTypes/image_png', { 'Content-Type': 'image/png' }),
    unsupported('TestBadContentEncodings/gzip', { 'Content-Encoding': 'gzip' }),
    unsupported('TestBadContentEncodings/deflate', { 'Content-Encoding': 'deflate' }),
    { ...refused('TestCorruptRequestBody', series, none), ...broken },
  ];
}

/**
 * Answers to remote write 1.0 report nothing as written, whatever they stored. Neither request has a version header, and the labels
 * of the first are in no order: a receiver has to sort them, or to refuse them with 400. A Thanos says 409.
 */
function olderProtocol(): ComplianceCase[] {
  const up = gauge(named('up', { job: 'shop', instance: 'localhost:9090' }));
  const basic = one('TestRW1BasicCompatibility', [up, gauge(named('http_requests_total'), 100)], { samples: 0 });
  const broken = refused('TestRW1ErrorHandling', [gauge(named('error_test'))], { samples: 0 });
  return [
    { ...basic, protocol: 1 },
    { ...broken, protocol: 1, firstByte: 0xff },
  ];
}

/** `parts` names what it has: `positive`, `negative` and `zero` buckets, or `custom` ones. */
function histogram(sum: number, parts: string): HistogramV2 {
  // Six buckets with 2, 3, 5, 8, 7 and 5 observations.
  if (parts === 'custom')
    return {
      sum,
      count: 30,
      schema: -53,
      positive: { spans: [[0, 6]], deltas: [2, 1, 2, 3, -1, -2] },
      customValues: [0.1, 0.5, 1, 2.5, 5, 10],
    };
  const [isPositive, isNegative, isZero] = ['positive', 'negative', 'zero'].map((part) => parts.includes(part));
  const spans = [
    [0, 3],
    [2, 2],
  ] as const;
  return {
    sum,
    // 1 + 3 + 4 + 7 + 8, 1 + 2, and 1 observations.
    count: (isPositive ? 23 : 0) + (isNegative ? 3 : 0) + (isZero ? 1 : 0),
    ...(isPositive ? { positive: { spans, deltas: [1, 2, 1, 3, 1] } } : {}),
    ...(isNegative ? { negative: { spans: [[0, 2]], deltas: [1, 1] } } : {}),
    ...(isZero ? { zeroCount: 1 } : {}),
  };
}

const metadataTypes = {
  unspecified: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
} as const;

const about = (type: keyof typeof metadataTypes, help = '', unit = ''): MetadataV2 => ({
  type: metadataTypes[type],
  help,
  unit,
});
