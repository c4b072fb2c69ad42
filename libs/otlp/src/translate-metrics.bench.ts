import { KiB, MiB } from '@gauntlet/base';
import { translateMetrics, translateMetricsInSlices, type OtlpContentType, type Pace } from './index.js';
import { ProtobufOutput } from './protobuf-output.js';

// How long bodies of 30 MiB take, and the longest slice of 2 ms: a step that takes longer makes it longer.
// On two cores with eight busy processes: gauges 4 to 7 s in one turn, 1400 slices, of which those with a collection of garbage are the longest (0.2 s);
// JSON of gauges 3 to 4 s, 1000 slices up to 23 ms. Series of half a MiB of labels: 1.5 s; in a map by V8's own hash they took more than 25 s.
const bodyBytes = 30 * MiB;
const protobuf = 'application/x-protobuf';
const json = 'application/json';
const options = { targetInfo: true, promoteResourceAttributes: [] };

/** Messages in each other, from the inside out. */
function nested(content: Uint8Array, ...fields: number[]): Buffer {
  return fields.reduce<Buffer>((inner, field) => {
    const output = new ProtobufOutput(inner.length + 16);
    output.bytes(field, inner);
    return output.view();
  }, Buffer.from(content));
}
const join = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts);
const text = (field: number, content: string): Buffer => nested(Buffer.from(content), field);
const fixed = (field: number, value: bigint): Buffer => {
  const output = new ProtobufOutput(16);
  output.fixed64(field, value);
  return output.view();
};
const attribute = (field: number, key: string, value: string): Buffer =>
  nested(join(text(1, key), nested(text(1, value), 2)), field);
function many(part: (index: number) => Uint8Array, bytes = bodyBytes): Buffer {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < bytes; length += parts.at(-1)!.length) parts.push(part(parts.length));
  return Buffer.concat(parts);
}
const repeated = (part: Uint8Array | string, bytes = bodyBytes): Buffer =>
  Buffer.alloc(bytes - (bytes % part.length), part as Uint8Array);

const cumulative = Buffer.of(0x10, 2);
const name = text(1, 'requests');
const resource = (...attributes: Buffer[]): Buffer => nested(join(...attributes), 1);
const service = resource(attribute(1, 'service.name', 'api'), attribute(1, 'service.instance.id', 'i-1'));
/** A request with the points of one metric. */
const request = (points: Uint8Array, field: number, of = service): Buffer =>
  nested(join(of, nested(join(name, nested(join(points, cumulative), field)), 2, 2)), 1);
const labels = (field: number, index: number): Buffer =>
  join(...['zone', 'method', 'code'].map((key) => attribute(field, key, key)), attribute(field, 'n', `value-${index}`));
const at = (index: number): Buffer => fixed(3, 1_780_000_000_000_000_000n + BigInt(index) * 1_000_000n);
const histogram = (index: number): Buffer =>
  join(
    at(0),
    fixed(4, 66n),
    fixed(5, 1n),
    nested(join(...Array.from({ length: 12 }, (_, bucket) => fixed(1, BigInt(bucket)).subarray(1))), 6),
    nested(join(...Array.from({ length: 11 }, (_, bound) => fixed(1, BigInt(bound) << 52n).subarray(1))), 7),
    labels(9, index),
  );
const value = fixed(6, 1n);
const jsonRequest = (points: Buffer): Buffer =>
  join(
    Buffer.from('{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":['),
    points,
    Buffer.from('{}]}}]}]}]}'),
  );
const jsonPoint = (index: number): Buffer =>
  Buffer.from(
    `{"timeUnixNano":"1780000000000000000","asDouble":${index}.5,"attributes":[${['zone', 'method', 'code']
      .map((key) => `{"key":"${key}","value":{"stringValue":"${key}"}}`)
      .join()},{"key":"n","value":{"stringValue":"value-${index}é"}}]},`,
  );
const bounds = (count: number): Buffer =>
  nested(join(...Array.from({ length: count }, (_, bound) => fixed(1, BigInt(bound) << 40n).subarray(1))), 7);
const elements = (field: number, bytes: number): Buffer =>
  nested(join(text(1, 'k'), nested(repeated(Buffer.of(0x0a, 0), bytes), 5, 2)), field);

const cases: Readonly<Record<string, () => readonly [Buffer, OtlpContentType]>> = {
  'gauges of four attributes': () => [
    request(
      many((index) => nested(join(at(0), value, labels(7, index)), 1)),
      5,
    ),
    protobuf,
  ],
  'the same in JSON': () => [jsonRequest(many(jsonPoint)), json],
  'histograms of eleven bounds': () => [
    request(
      many((index) => nested(histogram(index), 1)),
      9,
    ),
    protobuf,
  ],
  'one series, backwards in time': () => [
    request(
      many((index) => nested(join(at(65_536 - index), value), 1), 21 * 65_536),
      5,
    ),
    protobuf,
  ],
  'one series, ever so long': () => [
    request(
      many((index) => nested(join(at(index), value), 1)),
      5,
    ),
    protobuf,
  ],
  'empty resources': () => [repeated(Buffer.of(0x0a, 0)), protobuf],
  'empty scopes': () => [nested(repeated(Buffer.of(0x12, 0)), 1), protobuf],
  'empty metrics': () => [nested(repeated(Buffer.of(0x12, 0)), 2, 1), protobuf],
  'empty points': () => [request(repeated(Buffer.of(0x0a, 0)), 5), protobuf],
  'unknown fields': () => [nested(repeated(Buffer.of(0x78, 0)), 2, 2, 1), protobuf],
  groups: () => [
    nested(repeated(join(Buffer.of(0x7b), repeated(Buffer.of(0x78, 0), 400_000), Buffer.of(0x7c))), 2, 2, 1),
    protobuf,
  ],
  'points of half a MiB of elements': () => [
    request(
      many(() => nested(join(value, ...Array.from({ length: 4 }, () => elements(7, 130_000))), 1)),
      5,
    ),
    protobuf,
  ],
  'resources of half a MiB of attributes': () => [
    many((index) =>
      nested(
        join(
          service,
          resource(...Array.from({ length: 900 }, (_, n) => attribute(1, `k${index}-${n}`, 'v'.repeat(560)))),
          nested(join(name, nested(nested(value, 1), 5)), 2, 2),
        ),
        1,
      ),
    ),
    protobuf,
  ],
  'half a MiB of job': () => [
    request(
      many((index) => nested(join(value, labels(7, index)), 1), MiB),
      5,
      resource(attribute(1, 'service.name', 'j'.repeat(500 * KiB))),
    ),
    protobuf,
  ],
  'half a MiB of job, and a histogram': () => [
    request(
      nested(join(nested(Buffer.alloc(8 * 16_384), 6), bounds(16_384)), 1),
      9,
      resource(attribute(1, 'service.name', 'j'.repeat(500 * KiB))),
    ),
    protobuf,
  ],
  'histograms of 16,384 buckets': () => [
    request(
      many((index) => nested(join(nested(Buffer.alloc(8 * 16_384), 6), bounds(16_384), labels(9, index)), 1), 4 * MiB),
      9,
    ),
    protobuf,
  ],
  'native histograms of 16,384 buckets': () => [
    request(
      many((index) =>
        nested(
          join(
            nested(nested(Buffer.alloc(16_384, Buffer.of(1, 9)), 2), 8),
            nested(nested(Buffer.alloc(16_384, Buffer.of(1, 9)), 2), 9),
            labels(1, index),
          ),
          1,
        ),
      ),
      10,
    ),
    protobuf,
  ],
  'long names': () => [
    nested(
      many(() => nested(join(text(1, 'a.'.repeat(32_000)), nested(nested(value, 1), 5)), 2)),
      2,
      1,
    ),
    protobuf,
  ],
  'long keys': () => [
    request(
      many((index) => nested(join(value, attribute(7, `${index}${'a.'.repeat(250_000)}`, 'v')), 1)),
      5,
    ),
    protobuf,
  ],
  'exemplars of one series': () => [
    request(
      many(
        () =>
          nested(
            join(
              at(0),
              value,
              ...Array.from({ length: 1000 }, (_, n) =>
                nested(join(fixed(2, BigInt(1000 - n) * 1_000_000n), value), 5),
              ),
            ),
            1,
          ),
        20 * MiB,
      ),
      7,
    ),
    protobuf,
  ],
  'JSON of empty points': () => [jsonRequest(repeated('{},')), json],
  'JSON of unknown arrays': () => [join(Buffer.from('{"x":['), repeated('[],'), Buffer.from('0]}')), json],
  'JSON of white space': () => [join(repeated(' '), Buffer.from('{}')), json],
  'JSON of digits': () => [join(Buffer.from('{"x":'), repeated('1'), Buffer.from('}')), json],
  'JSON of strings of a MiB': () => [
    join(Buffer.from('{"x":['), repeated(Buffer.from(`"${'é\\n'.repeat(260_000)}",`)), Buffer.from('0]}')),
    json,
  ],
  'JSON of a name of underscores': () => [
    join(Buffer.from('{'), repeated(Buffer.from(`"${'_a'.repeat(520_000)}":0,`)), Buffer.from('"x":0}')),
    json,
  ],
  'JSON of bytes': () => [
    jsonRequest(
      repeated(Buffer.from(`{"attributes":[{"key":"k","value":{"bytesValue":"${'AAAA'.repeat(262_000)}"}}]},`)),
    ),
    json,
  ],
};

/** Its longest slices, the first being the longest. */
async function slicesOf(body: Buffer, type: OtlpContentType): Promise<number[]> {
  const slices: number[] = [];
  let startMs = performance.now();
  const pace: Pace = {
    get isDue() {
      return performance.now() - startMs >= 2;
    },
    async rest() {
      slices.push(performance.now() - startMs);
      await new Promise((resolve) => setImmediate(resolve));
      startMs = performance.now();
    },
  };
  try {
    await translateMetricsInSlices(body, type, options, pace);
  } catch (error) {
    console.log((error as Error).message);
  }
  slices.push(performance.now() - startMs);
  return slices.sort((left, right) => right - left);
}

const ms = (time: number): string => time.toFixed(1);
const wanted = process.argv[2] ?? '';
for (const [what, make] of Object.entries(cases)) {
  if (!what.includes(wanted)) continue;
  const [body, type] = make();
  const start = performance.now();
  let taken = 'refused';
  try {
    const { dataPoints, message } = translateMetrics(body, type, options);
    taken = `${dataPoints} points, ${(message.length / MiB).toFixed(0)} MiB`;
  } catch {
    // The time is what matters.
  }
  const whole = performance.now() - start;
  const slices = await slicesOf(body, type);
  console.log(
    `${what} (${(body.length / MiB).toFixed(1)} MiB, ${taken}): ${ms(whole)} ms in one turn; ${ms(slices.reduce((sum, each) => sum + each, 0))} ms in ` +
      `${slices.length} slices, the longest ${slices.slice(0, 4).map(ms).join(', ')} ms`,
  );
}
