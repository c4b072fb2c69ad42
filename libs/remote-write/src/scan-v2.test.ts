import { KiB, MiB } from '@gauntlet/base';
import {
  createIntake,
  MessageError,
  readGroup,
  readRow,
  RowVerdict,
  snappyBlockEncode,
  xxh64,
  type LabelBytes,
  type Row,
  type ScannedBatch,
} from '@gauntlet/kernel';
import fc from 'fast-check';
import {
  decodeThanosWriteRequest,
  decodeWriteRequest,
  decodeWriteRequestV2,
  encodeWriteRequest,
  encodeWriteRequestV2,
  resolveSeries,
  type SeriesInputV2,
  type TimeSeriesV2,
} from './index.js';
import { ProtobufReader } from './protobuf-reader.js';
import {
  delimited,
  fixed64Field,
  histogramFields,
  messageOf,
  text,
  unknownField,
  varintField,
  varintOf,
} from './testing/arbitrary-protobuf.js';

const intake = createIntake({ messageBytesMax: 16 * MiB });
const tenant = 'team-ä';
const schema = { kind: 'prometheus-v2', tenant } as const;
const scan = (body: Uint8Array): ScannedBatch => intake.scan(body, 'identity', schema);
const rowsOf = (batch: ScannedBatch): Row[] =>
  Array.from({ length: batch.rowCount }, (_, index) => readRow(batch, index));

function hashesOf(labels: readonly LabelBytes[]): { readonly labelsHash: bigint; readonly routeHash: bigint } {
  const stream = Buffer.concat(labels.flatMap(([name, value]) => [name, Buffer.of(0xff), value, Buffer.of(0xff)]));
  return {
    labelsHash: xxh64(stream),
    routeHash: xxh64(Buffer.concat([Buffer.from(tenant), Buffer.of(0xff), stream])),
  };
}

/** What the scan should say of a series. */
function expectedOf(received: TimeSeriesV2, symbols: readonly Buffer[]): Omit<Row, 'series'> {
  const { verdict, series } = resolveSeries(received, symbols);
  return {
    labels: series.labels,
    samples: received.samples.map(({ timestampMs, bits }) => ({ timestampMs, bits })),
    histogramCount: received.histograms.length,
    exemplarCount: received.exemplars.length,
    verdict,
    ...hashesOf(series.labels),
    group: 0,
    labelCount: series.labels.length,
  };
}

/** Start timestamps of the samples and histograms of a field of 1.0, whose decoder does not know them. */
function startsOf(field: Buffer): { readonly samples: bigint[]; readonly histograms: bigint[] } {
  const starts = { samples: [] as bigint[], histograms: [] as bigint[] };
  const request = new ProtobufReader(field);
  request.nextField();
  const series = request.message();
  for (let part = series.nextField(); part !== undefined; part = series.nextField()) {
    if (part !== 2 && part !== 4) {
      series.skip();
      continue;
    }
    const known = part === 2 ? 3 : 17;
    const message = series.message();
    let start = 0n;
    for (let number = message.nextField(); number !== undefined; number = message.nextField()) {
      if (number === known) start = BigInt.asIntN(64, message.varint());
      // The last value of a packed field may reach beyond it, so that a mere skip would end in its middle.
      else if (part === 4 && [9, 12].includes(number)) message.varints();
      else if (part === 4 && [10, 13, 16].includes(number)) message.fixed64s();
      else message.skip();
    }
    (part === 2 ? starts.samples : starts.histograms).push(start);
  }
  return starts;
}

/** Any value as text, which compares faster than objects. */
function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([key, part]) => `${key}: ${textOf(part)}`);
  return `{${parts.sort().join()}}`;
}

/** The value, or the fact that the message was refused. Anything else thrown is a bug. */
function orRefused<Value>(call: () => Value): Value | 'refused' {
  try {
    return call();
  } catch (error) {
    if (error instanceof MessageError && error.code === 'PROTOBUF_MALFORMED') return 'refused';
    throw error;
  }
}

function expectAgreement(body: Buffer): 'taken' | 'refused' {
  const request = orRefused(() => decodeWriteRequestV2(body));
  const batch = orRefused(() => scan(body));
  if (request === 'refused' || batch === 'refused') {
    expect([request, batch]).toEqual(['refused', 'refused']);
    return 'refused';
  }
  const rows = rowsOf(batch);
  expect(rows.map(({ series: _, ...row }) => textOf(row))).toEqual(
    request.timeseries.map((series) => textOf(expectedOf(series, request.symbols))),
  );
  const sum = (count: (row: Row) => number): number => rows.reduce((total, row) => total + count(row), 0);
  expect(batch).toMatchObject({
    sampleCount: sum(({ samples }) => samples.length),
    histogramCount: sum(({ histogramCount }) => histogramCount),
    exemplarCount: sum(({ exemplarCount }) => exemplarCount),
    refusedCount: sum(({ verdict }) => Number(verdict !== RowVerdict.ok)),
    metadataCount: request.timeseries.filter(({ metadata }) => metadata !== undefined).length,
  });
  expect(readGroup(batch, 0)).toEqual({ tenant: Buffer.from(tenant), firstRow: 0, rowCount: rows.length });
  rows.forEach((row, index) => {
    const received = request.timeseries[index]!;
    if (row.verdict === RowVerdict.badReference) {
      expect(row.series).toHaveLength(0);
      return;
    }
    // The field that is forwarded means the same as what was received.
    expect(textOf(decodeWriteRequest(row.series))).toBe(
      textOf({ timeseries: [resolveSeries(received, request.symbols).series], metadata: [] }),
    );
    expect(startsOf(row.series)).toEqual({
      samples: received.samples.map(({ startTimestampMs }) => startTimestampMs),
      histograms: received.histograms.map(({ startTimestampMs }) => startTimestampMs),
    });
  });
  return 'taken';
}

const field = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(tag), varintOf(BigInt(content.length)), content]);
const sampleField = Buffer.from('1210' + '09000000000000f03f' + '10' + '80909282e733', 'hex');

const packedRefs = fc.array(fc.nat(9), { maxLength: 6 }).map((refs) => Buffer.from(refs));
const pairedRefs = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 4 }).map((pairs) => Buffer.from(pairs.flat()));
// Over-long references, and such as reach beyond 32 bits.
const oddRefs = fc
  .array(fc.tuple(fc.oneof(fc.bigInt(0n, 9n), fc.bigInt((1n << 32n) + 1n, (1n << 32n) + 4n)), fc.nat(5)), {
    maxLength: 4,
  })
  .map((refs) => Buffer.concat(refs.map(([ref, padding]) => varintOf(ref, padding))));
const refsField = fc.oneof(
  { weight: 8, arbitrary: delimited(1, pairedRefs) },
  { weight: 1, arbitrary: delimited(1, packedRefs) },
  { weight: 1, arbitrary: delimited(1, oddRefs) },
  { weight: 1, arbitrary: fc.nat(9).map((ref) => Buffer.of(0x08, ref)) },
);
const sample = messageOf(fixed64Field(1), varintField(2), varintField(3));
const histogram = messageOf(...histogramFields, varintField(17));
const exemplar = messageOf(refsField, fixed64Field(2), varintField(3));
const smallRef = (field: number): fc.Arbitrary<Buffer> => fc.nat(8).map((ref) => Buffer.of(field * 8, ref));
const metadata = messageOf(varintField(1), smallRef(3), smallRef(4));
const item = fc.oneof(
  { weight: 6, arbitrary: delimited(2, sample) },
  { weight: 2, arbitrary: delimited(3, histogram) },
  { weight: 2, arbitrary: delimited(4, exemplar) },
  { weight: 1, arbitrary: delimited(5, metadata) },
  { weight: 1, arbitrary: unknownField },
);
const series = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: refsField }, { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) }),
    fc.array(fc.oneof({ weight: 10, arbitrary: item }, { weight: 1, arbitrary: refsField }), { maxLength: 5 }),
  )
  .map(([refs, items]) => Buffer.concat([refs, ...items]));
const symbol = delimited(4, text);
const usualSymbols = fc
  .array(symbol, { maxLength: 6 })
  .map((more) =>
    Buffer.concat([Buffer.from('2200' + '22085f5f6e616d655f5f' + '22026161' + '22026262', 'hex'), ...more]),
  );
const body = fc
  .tuple(
    fc.oneof({ weight: 6, arbitrary: usualSymbols }, { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) }),
    fc.array(
      fc.oneof(
        { weight: 10, arbitrary: delimited(5, series) },
        { weight: 2, arbitrary: symbol },
        { weight: 1, arbitrary: unknownField },
      ),
      { maxLength: 5 },
    ),
  )
  .map(([symbols, parts]) => Buffer.concat([symbols, ...parts]));

describe('the scan finds what its twin finds', () => {
  test('in any sound message', () => {
    const verdicts = new Map<RowVerdict, number>();
    let taken = 0;
    fc.assert(
      fc.property(body, (bytes) => {
        if (expectAgreement(bytes) === 'refused') return; // An unknown field may have a number that is known there.
        taken += 1;
        for (const { verdict } of rowsOf(scan(bytes))) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      }),
      { numRuns: 300 },
    );
    expect(taken).toBeGreaterThan(250);
    expect(verdicts.size).toBeGreaterThan(3); // The recordings have all of them.
  });

  test('in damaged messages, and refuses those that it refuses', () => {
    const outcomes = { taken: 0, refused: 0 };
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(body, damage, fc.nat(), (sound, changes, cut) => {
        const bytes = Buffer.from(sound);
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        outcomes[expectAgreement(cut % 4 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes)] += 1;
      }),
      { numRuns: 400 },
    );
    expect(outcomes.taken).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  });

  test('in garbage', () => {
    const garbage = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x22, 0x2a, 0x0a, 0x12, 0x1a, 0, 2, 4, 0x80)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(garbage, (bytes) => {
        expectAgreement(Buffer.from(bytes));
      }),
      { numRuns: 400 },
    );
  });

  test('in texts that are nearly UTF-8', () => {
    const sound = fc.constantFrom('61', 'c3a4', 'e282ac', 'f09f9880', 'f48fbfbf', 'efbbbf', '61'.repeat(14));
    const odd = fc.constantFrom(
      ...['80', 'bf', 'c0', 'c1', 'c2', 'df', 'e0', 'ed', 'ef', 'f0', 'f4', 'f5', 'ff', '9f', 'a0', '8f', '90'],
      ...['eda080', 'ed9fbf', 'f4908080', 'e08080', 'e0a080', 'f0808080', 'f0908080'],
    );
    const value = fc
      .array(fc.oneof({ weight: 5, arbitrary: sound }, { weight: 1, arbitrary: odd }), { minLength: 1, maxLength: 6 })
      .map((pieces) => Buffer.from(pieces.join(''), 'hex'));
    const judged = { ok: 0, notUtf8: 0 };
    fc.assert(
      fc.property(value, (bytes) => {
        const message = encodeWriteRequestV2({
          timeseries: [
            seriesOf([
              ['__name__', 'a'],
              ['v', bytes],
            ]),
          ],
        });
        expectAgreement(message);
        judged[readRow(scan(message), 0).verdict === RowVerdict.ok ? 'ok' : 'notUtf8'] += 1;
      }),
      { numRuns: 250 },
    );
    expect(Math.min(judged.ok, judged.notUtf8)).toBeGreaterThan(20);
  });
});

type Labels = SeriesInputV2['labels'];

function seriesOf(
  labels: Labels,
  sampleCount = 1,
): SeriesInputV2 & { readonly samples: { timestampMs: number; bits: bigint }[] } {
  return {
    labels,
    samples: Array.from({ length: sampleCount }, (_, index) => ({
      timestampMs: 1_780_000_000_000 + index,
      bits: BigInt(index),
    })),
  };
}

const label = fc.tuple(
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: 'binary' }),
    fc.constantFrom('__name__', 'instance', 'instance_a', 'instance_b'),
  ),
  fc.string({ minLength: 1, maxLength: 30 }),
);

test('series in either version get the same rows, labels in any order, and are forwarded as the same bytes', () => {
  const anySeries = fc.array(
    fc.tuple(fc.uniqueArray(label, { maxLength: 40, selector: ([name]) => name }), fc.nat(3), fc.nat()),
    { maxLength: 20 },
  );
  const sortLabels = (labels: Labels): [string, string][] =>
    ([...labels] as [string, string][]).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  fc.assert(
    fc.property(anySeries, (list) => {
      const timeseries = list.map(([labels, samples, turn]) =>
        seriesOf(
          [...labels.slice(turn % (labels.length + 1)), ...labels.slice(0, turn % (labels.length + 1))],
          samples,
        ),
      );
      const first = encodeWriteRequest({
        timeseries: timeseries.map(({ labels, samples }) => ({ labels: sortLabels(labels), samples })),
      });
      const rows = rowsOf(intake.scan(first, 'identity', { kind: 'prometheus', tenant }));
      const all = Uint32Array.from(rows.keys());
      const gathered = intake.gather(all, tenant, 1, 'identity');
      const judged = (row: Row): Row => {
        if (row.verdict !== RowVerdict.ok) return row;
        if (!row.labels.some(([name]) => String(name) === '__name__'))
          return { ...row, verdict: RowVerdict.nameMissing };
        return row.samples.length === 0 ? { ...row, verdict: RowVerdict.noItems } : row;
      };
      const message = snappyBlockEncode(encodeWriteRequestV2({ timeseries }));
      expect(rowsOf(intake.scan(message, 'snappy-block', schema))).toEqual(rows.map(judged));
      expect(intake.gather(all, tenant, 1, 'identity').equals(gathered)).toBe(true);
    }),
    { numRuns: 80 },
  );
});

test('series that share labels with those before them, as they do in scrapes, get rows of their own', () => {
  const names = ['', '__name__', '__name__x', 'a', 'instance', 'instance_a', 'instance_b', 'z'.repeat(200)];
  const values = ['v', 'w', 'long'.repeat(50), 'zürich', 'x'.repeat(61), 'x'.repeat(62), 'x'.repeat(63)];
  const symbols = [...names, ...values, ...Array.from({ length: 200 }, (_, i) => `value ${i}`)];
  const head = Buffer.concat(symbols.map((each) => field(0x22, Buffer.from(each))));
  // A place in the list of names, or none, for each value: sorted, and mostly the same from series to series.
  const choice = fc.oneof(
    { weight: 12, arbitrary: fc.constant(names.length) },
    { weight: 4, arbitrary: fc.integer({ min: names.length, max: symbols.length - 1 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1, 5000) },
  );
  const oddity = fc.oneof(
    { weight: 12, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('swapped', 'apart', 'odd', 'bad exemplar', 'repeated', 'over-long') },
  );
  const shape = fc.tuple(fc.array(choice, { minLength: names.length - 1, maxLength: names.length - 1 }), oddity);
  const verdicts = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 20 }), (list) => {
      const series = list.map(([choices, oddity]) => {
        const pairs = choices.flatMap((value, i) => (value < 0 ? [] : [[i + 1, value]]));
        if (oddity === 'swapped') pairs.reverse();
        if (oddity === 'repeated' && pairs.length > 0) pairs.push(pairs.at(-1)!);
        if (oddity === 'odd') pairs.push([1]);
        const refs = Buffer.concat(
          pairs.flat().map((ref) => varintOf(BigInt(ref), oddity === 'over-long' ? ref % 6 : 0)),
        );
        const more = { apart: '0a020303', 'bad exemplar': '22030a0163' } as Record<string, string>;
        return field(0x2a, Buffer.concat([field(0x0a, refs), sampleField, Buffer.from(more[oddity] ?? '', 'hex')]));
      });
      const message = Buffer.concat([head, ...series]);
      expect(expectAgreement(message)).toBe('taken');
      for (const { verdict } of rowsOf(scan(message)))
        verdicts.set(String(verdict), (verdicts.get(String(verdict)) ?? 0) + 1);
    }),
    { numRuns: 100 },
  );
  expect(verdicts.get(String(RowVerdict.ok))).toBeGreaterThan(100);
  expect(verdicts.size).toBeGreaterThan(3);
});

test('whether a series has a name is told of it, not of the one before it', () => {
  const labels = (...names: string[]): Labels => names.map((name) => [name, 'v']);
  const timeseries = [
    ['__name__', 'a'],
    ['a', 'b'],
    ['__name__x', 'b'],
    ['__name__', 'b'],
    ['__name__', 'b', 'c'],
    ['a', 'b', 'c'],
    ['a'],
    ['A', '__name__'],
  ].map((names) => seriesOf(labels(...names)));
  expect(rowsOf(scan(encodeWriteRequestV2({ timeseries }))).map(({ verdict }) => verdict === RowVerdict.ok)).toEqual([
    true,
    false,
    false,
    true,
    true,
    false,
    false,
    true,
  ]);
});

test('series of up to more labels than are remembered, and longer ones, alternate', () => {
  const timeseries = Array.from({ length: 60 }, (_, index) =>
    seriesOf([
      ['__name__', 'up'],
      ...Array.from({ length: 55 + (index % 20) }, (_, i): [string, string] => [
        `z${i + 10}`,
        'v'.repeat(index % 7 === 0 ? 400 : 1 + (index % 3)),
      ]),
    ]),
  );
  expect(expectAgreement(encodeWriteRequestV2({ timeseries }))).toBe('taken');
});

test('thousands of labels of one series are sorted, and of an exemplar', () => {
  const labels = Array.from({ length: 3000 }, (_, index): [string, string] => [`label_${(index * 7919) % 3000}`, 'v']);
  const series = { ...seriesOf([['__name__', 'a'], ...labels]) };
  const exemplars = [
    {
      labels: labels.map(([name, value]): LabelBytes => [Buffer.from(name), Buffer.from(value)]),
      timestampMs: 5n,
      bits: 0n,
    },
  ];
  const message = encodeWriteRequestV2({ timeseries: [{ ...series, exemplars }, seriesOf([['__name__', 'b']])] });
  expect(expectAgreement(message)).toBe('taken');
  expect(rowsOf(scan(message)).map(({ verdict }) => verdict)).toEqual([RowVerdict.ok, RowVerdict.ok]);
});

test('a series of nothing but exemplars is taken: Prometheus sends each exemplar in a series of its own', () => {
  const labels = [[Buffer.from('trace_id'), Buffer.from('t')]] as const;
  const body = encodeWriteRequestV2({
    timeseries: [
      { labels: [['__name__', 'a']], exemplars: [{ labels, timestampMs: 5n, bits: 0n }] },
      { labels: [['__name__', 'b']] },
    ],
  });
  expect(expectAgreement(Buffer.from(body))).toBe('taken');
  expect(rowsOf(scan(body)).map(({ verdict }) => verdict)).toEqual([RowVerdict.ok, RowVerdict.noItems]);
});

test('a row without labels is left out of what is forwarded', () => {
  // The second series refers to a symbol that is not there.
  const bad = Buffer.from('2a06' + '0a020109' + '1200', 'hex');
  const good = encodeWriteRequestV2({ timeseries: [seriesOf([['__name__', 'a']])] });
  const batch = scan(Buffer.concat([good, bad, good.subarray(good.indexOf(0x2a))]));
  expect(rowsOf(batch).map(({ verdict }) => verdict)).toEqual([RowVerdict.ok, RowVerdict.badReference, RowVerdict.ok]);
  expect(batch.refusedCount).toBe(1);
  const forwarded = decodeThanosWriteRequest(intake.gather(Uint32Array.of(0, 1, 2), 'a', 1, 'identity'));
  expect(forwarded.timeseries.map(({ labels }) => labels.map(String))).toEqual([['__name__,a'], ['__name__,a']]);
});

describe('limits', () => {
  const tooLarge = expect.objectContaining({ code: 'MESSAGE_TOO_LARGE', kind: 'rejected' }) as unknown as Error;
  const head = Buffer.from('2200' + '22085f5f6e616d655f5f', 'hex');
  /** A symbol of `size` bytes, and series with so many labels each that refer to it. */
  const bomb = (size: number, seriesCount: number, labels: number): Buffer =>
    Buffer.concat([
      head,
      field(0x22, Buffer.alloc(size, 'x')),
      ...Array.from({ length: seriesCount }, () =>
        field(
          0x2a,
          Buffer.concat([field(0x0a, Buffer.alloc(labels * 2, Buffer.of(2, 2))), Buffer.from('1200', 'hex')]),
        ),
      ),
    ]);

  test('a request that would take more as remote write 1.0 than a message may is refused, and costs no memory', () => {
    const small = createIntake({ messageBytesMax: 8 * MiB });
    const before = small.scan(bomb(10, 1, 1), 'identity', schema).body.buffer.byteLength;
    for (const message of [bomb(64 * KiB, 1, 1000), bomb(64 * KiB, 1000, 1), bomb(4 * MiB, 1, 2)]) {
      expect(() => small.scan(message, 'identity', schema)).toThrow(tooLarge);
      expect(() => small.scan(snappyBlockEncode(message), 'snappy-block', schema)).toThrow(tooLarge);
    }
    const after = small.scan(bomb(10, 1, 1), 'identity', schema).body.buffer.byteLength;
    expect(after - before).toBeLessThan(10 * MiB); // The last of them has 4 MiB itself, and as much again decompressed.
    // The same in an exemplar.
    const exemplar = field(0x22, field(0x0a, Buffer.alloc(2000, Buffer.of(2, 2))));
    const refs = Buffer.from('0a020102', 'hex');
    const inExemplar = Buffer.concat([
      head,
      field(0x22, Buffer.alloc(64 * KiB, 'x')),
      field(0x2a, Buffer.concat([refs, exemplar])),
    ]);
    expect(() => small.scan(inExemplar, 'identity', schema)).toThrow(tooLarge);
  });

  test('a small request does not become a huge one, however much a message may be', () => {
    const roomy = createIntake({ messageBytesMax: 128 * MiB });
    // 64 KiB of symbols and 700 references to it: 44 MiB.
    expect(() => roomy.scan(bomb(64 * KiB, 1, 700), 'identity', schema)).toThrow(tooLarge);
    // 16 MiB may be made of anything, and 32 times of what is large itself.
    expect(roomy.scan(bomb(64 * KiB, 1, 100), 'identity', schema).rowCount).toBe(1);
    expect(roomy.scan(bomb(MiB, 1, 14), 'identity', schema).rowCount).toBe(1);
  });

  test('whether a request is too large does not depend on those before it', () => {
    const limit = 256 * KiB;
    const isTaken = (scanner: ReturnType<typeof createIntake>, count: number): boolean => {
      try {
        return scanner.scan(bomb(1000, count, 10), 'identity', schema).rowCount === count;
      } catch (error) {
        expect(error).toEqual(tooLarge);
        return false;
      }
    };
    const warm = createIntake({ messageBytesMax: limit });
    const outcomes = [1, 8, 10, 11, 12, 13, 14, 20, 13, 12].map((count) => [
      isTaken(createIntake({ messageBytesMax: limit }), count),
      isTaken(warm, count),
    ]);
    for (const [fresh, warmed] of outcomes) expect(warmed).toBe(fresh);
    expect(outcomes.flat()).toEqual(expect.arrayContaining([true, false]));
  });

  test.each([
    ['series', () => Buffer.alloc(2 * (2 ** 20 + 1), Buffer.of(0x2a, 0))],
    ['symbols', () => Buffer.alloc(2 * (2 ** 22 + 1), Buffer.of(0x22, 0))],
    ['labels of a series', () => Buffer.concat([head, field(0x2a, field(0x0a, Buffer.alloc(2 ** 21 + 2)))])],
  ])('more %s than the tables may hold are refused, and the next message is taken', (_, message) => {
    const scanner = createIntake({ messageBytesMax: 32 * MiB });
    for (let round = 0; round < 2; round += 1)
      expect(() => scanner.scan(message(), 'identity', schema)).toThrow(tooLarge);
    expect(scanner.scan(bomb(10, 3, 2), 'identity', schema).rowCount).toBe(3);
  });

  test('tables grow with the request', () => {
    const timeseries = Array.from({ length: 5000 }, (_, index) =>
      seriesOf([
        ['__name__', 'up'],
        ['pod', `pod-${index}`],
        ...Array.from({ length: 70 }, (_, i): [string, string] => [`z${i + 10}`, 'v']),
      ]),
    );
    const message = encodeWriteRequestV2({ timeseries });
    const batch = createIntake({ messageBytesMax: 16 * MiB }).scan(message, 'identity', schema);
    expect(batch).toMatchObject({ rowCount: 5000, sampleCount: 5000, refusedCount: 0 });
    expect(readRow(batch, 4999).labels[1]!.map(String)).toEqual(['pod', 'pod-4999']);
  });
});

test('what is encoded is decoded again', () => {
  const name = [Buffer.from('__name__'), Buffer.from('a')] as const;
  const exemplar = { labels: [[Buffer.from('id'), Buffer.of(0xff)]] as LabelBytes[], timestampMs: 7n, bits: 1n };
  const message = encodeWriteRequestV2({
    timeseries: [
      {
        labels: [name, ['job', 'a']],
        samples: [
          { timestampMs: 5, value: 1, startTimestampMs: 3 },
          { timestampMs: -6n, bits: 2n },
        ],
        exemplars: [exemplar],
        metadata: { type: 1, help: 'Says a.', unit: 'a' },
      },
      { labels: [['__name__', 'b']], samples: [{ timestampMs: 5, value: 1 }] },
    ],
  });
  const { symbols, timeseries } = decodeWriteRequestV2(message);
  expect(symbols.map((each) => each.toString('latin1'))).toEqual([
    '',
    '__name__',
    'a',
    'job',
    'id',
    '\xff',
    'Says a.',
    'b',
  ]);
  expect(timeseries).toEqual([
    {
      labelsRefs: [1, 2, 3, 2],
      samples: [
        { timestampMs: 5n, bits: 0x3ff0000000000000n, startTimestampMs: 3n },
        { timestampMs: -6n, bits: 2n, startTimestampMs: 0n },
      ],
      exemplars: [{ labelsRefs: [4, 5], timestampMs: 7n, bits: 1n }],
      histograms: [],
      metadata: { type: 1, helpRef: 6, unitRef: 2 },
    },
    {
      labelsRefs: [1, 7],
      samples: [{ timestampMs: 5n, bits: 0x3ff0000000000000n, startTimestampMs: 0n }],
      exemplars: [],
      histograms: [],
    },
  ]);
  expect(resolveSeries(timeseries[0]!, symbols).series).toMatchObject({
    labels: [name, [Buffer.from('job'), Buffer.from('a')]],
    exemplars: [exemplar],
  });
});
