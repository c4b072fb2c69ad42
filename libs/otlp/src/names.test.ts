import fc from 'fast-check';
import { labelName, metricName, type MetricKind } from './names.js';

const metrics: [name: string, unit: string, kind: MetricKind, expected: string][] = [
  ['http.server.duration', 's', 'other', 'http_server_duration_seconds'],
  ['system.io', 'By', 'counter', 'system_io_bytes_total'],
  ['up', '', 'gauge', 'up'],
  // Units of one: a ratio for gauges, nothing for others.
  ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
  ['cpu.ratio.used', '1', 'gauge', 'cpu_used_ratio'],
  ['http.requests', '1', 'counter', 'http_requests_total'],
  ['http.requests', '1', 'other', 'http_requests'],
  ['disk.used', '%', 'gauge', 'disk_used_percent'],
  // Annotations are no units.
  ['queue.length', '{item}', 'gauge', 'queue_length'],
  ['queue.length', '{item}/s', 'gauge', 'queue_length_per_second'],
  ['queue.length', '{item}/{shard}', 'gauge', 'queue_length'],
  ['queue', 'By{compressed}', 'gauge', 'queue'],
  // What is divided by.
  ['throughput', 'By/s', 'gauge', 'throughput_bytes_per_second'],
  ['throughput', '1/s', 'gauge', 'throughput_per_second'],
  ['throughput', '/s', 'gauge', 'throughput_per_second'],
  ['throughput', 'By/', 'gauge', 'throughput_bytes'],
  ['speed', 'm/m', 'gauge', 'speed_meters_per_minute'],
  ['growth', 'GiBy/y', 'gauge', 'growth_gibibytes_per_year'],
  ['odd', 'km/h/h', 'gauge', 'odd_km_per_h_h'],
  // A token that is there already is not said again; `per_` is never a token of its own.
  ['request.bytes', 'By', 'gauge', 'request_bytes'],
  ['bytes.read', 'By', 'gauge', 'bytes_read'],
  ['total.requests', '', 'counter', 'requests_total'],
  ['total.total', '', 'counter', 'total'],
  ['rate.per_second', '1/s', 'gauge', 'rate_per_second_per_second'],
  // Units that nobody knows are taken as they are, cleaned.
  ['length', 'furlong', 'gauge', 'length_furlong'],
  ['length', '__a--b__', 'gauge', 'length_a_b_'],
  ['length', 'a_/s', 'gauge', 'length_a_per_second'],
  ['length', ' s ', 'gauge', 'length_seconds'],
  ['length', 'S', 'gauge', 'length_S'],
  ['length', '°', 'gauge', 'length'],
  ['length', 'a:b', 'gauge', 'length_a_b'],
  // Characters.
  ['mémoire.usage-1', 'By', 'gauge', 'm_moire_usage_1_bytes'],
  ['__a__b__', '', 'gauge', 'a_b'],
  ['rule:recorded:sum', '', 'gauge', 'rule:recorded:sum'],
  ['a b/c', '', 'gauge', 'a_b_c'],
  ['2xx.responses', '', 'gauge', '_2xx_responses'],
  ['日本', 's', 'gauge', 'seconds'],
  ['日本', '', 'counter', 'total'],
  ['日本', '', 'gauge', ''],
  ['', '', 'gauge', ''],
];
test.each(metrics)('metric %j in %j, a %s, is named %j', (name, unit, kind, expected) => {
  expect(metricName(name, unit, kind)).toBe(expected);
});

const labels: [key: string, expected: string | undefined][] = [
  ['http.method', 'http_method'],
  ['k8s.pod-name', 'k8s_pod_name'],
  ['key with space', 'key_with_space'],
  ['0digit', 'key_0digit'],
  ['_private', '_private'],
  ['__private', '_private'],
  ['a__b', 'a_b'],
  ['a.-.b', 'a_b'],
  ['.a.', '_a_'],
  ['a:b', 'a_b'],
  ['é', undefined],
  ['aé', 'a_'],
  // Double underscores on both sides stay.
  ['__name__', '__name__'],
  ['__a.__.b__', '__a_b__'],
  ['__0__', '__0__'],
  ['___a__', '___a__'],
  ['', undefined],
  ['_', undefined],
  ['____', undefined],
  ['...', undefined],
];
test.each(labels)('attribute %j becomes label %j', (key, expected) => {
  expect(labelName(Buffer.from(key).toString('latin1'))).toBe(expected);
});

test('names of metrics and labels are such that Prometheus takes them, whatever they are made of', () => {
  const kind = fc.constantFrom<MetricKind>('gauge', 'counter', 'other');
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9_./{}% ]{0,12}$/));
  fc.assert(
    fc.property(text, text, kind, (name, unit, what) => {
      expect(metricName(name, unit, what)).toMatch(/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/);
      expect(labelName(name) ?? 'none').toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
    }),
    { numRuns: 50 },
  );
});
