import {
  createIntake,
  MessageError,
  readGroup,
  readRow,
  snappyBlockEncode,
  snappyFramedDecode,
  snappyFramedEncode,
  xxh64Twin,
  type LabelBytes,
  type ScannedBatch,
} from '@gauntlet/kernel';
import fc from 'fast-check';
import {
  decodeThanosWriteRequest,
  decodeWriteRequest,
  encodeThanosWriteRequest,
  encodeWriteRequest,
  judgeLabels,
  type TimeSeries,
} from './index.js';
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

const intake = createIntake({ messageBytesMax: 1 << 24 });

/** What both sides should agree on, of one series. */
interface Scanned {
  /** In hex, which compares faster than buffers. */
  readonly labels: string;
  readonly samples: string;
  readonly exemplarCount: number;
  readonly histogramCount: number;
  readonly verdict: number;
  readonly labelsHash: bigint;
  readonly routeHash: bigint;
  readonly tenant: string;
}

function hexOf(labels: readonly LabelBytes[]): string {
  return labels.map(([name, value]) => `${name.toString('hex')}=${value.toString('hex')}`).join(',');
}

function textOf(samples: TimeSeries['samples']): string {
  return samples.map(({ timestampMs, bits }) => `${bits.toString(16)}@${timestampMs}`).join(',');
}

function expectedOf(tenant: Buffer, series: TimeSeries): Scanned {
  const stream = Buffer.concat(
    series.labels.flatMap(([name, value]) => [name, Buffer.of(0xff), value, Buffer.of(0xff)]),
  );
  return {
    labels: hexOf(series.labels),
    samples: textOf(series.samples),
    exemplarCount: series.exemplars.length,
    histogramCount: series.histograms.length,
    verdict: judgeLabels(series.labels),
    labelsHash: xxh64Twin(stream),
    routeHash: xxh64Twin(Buffer.concat([tenant, Buffer.of(0xff), stream])),
    tenant: tenant.toString('hex'),
  };
}

function scannedOf(batch: ScannedBatch): Scanned[] {
  const scanned: Scanned[] = [];
  let sampleCount = 0;
  for (let index = 0; index < batch.groupCount; index += 1) {
    const group = readGroup(batch, index);
    expect(group.firstRow).toBe(scanned.length);
    for (let row = group.firstRow; row < group.firstRow + group.rowCount; row += 1) {
      const {
        labels,
        samples,
        exemplarCount,
        histogramCount,
        verdict,
        labelsHash,
        routeHash,
        group: groupIndex,
        labelCount,
      } = readRow(batch, row);
      if (groupIndex !== index || labelCount !== labels.length)
        throw new Error(`row ${row} has group ${groupIndex} and ${labelCount} labels`);
      sampleCount += samples.length;
      scanned.push({
        labels: hexOf(labels),
        samples: textOf(samples),
        exemplarCount,
        histogramCount,
        verdict,
        labelsHash,
        routeHash,
        tenant: group.tenant.toString('hex'),
      });
    }
  }
  expect(batch.rowCount).toBe(scanned.length);
  expect(batch.sampleCount).toBe(sampleCount);
  expect(batch.exemplarCount).toBe(scanned.reduce((sum, row) => sum + row.exemplarCount, 0));
  expect(batch.histogramCount).toBe(scanned.reduce((sum, row) => sum + row.histogramCount, 0));
  return scanned;
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
  const tenant = Buffer.from('team-ä');
  const request = orRefused(() => decodeWriteRequest(body));
  const scanned = orRefused(() => {
    const batch = intake.scan(body, 'identity', { kind: 'prometheus', tenant: tenant.toString() });
    return { rows: scannedOf(batch), metadataCount: batch.metadataCount };
  });
  expect(scanned).toEqual(
    request === 'refused'
      ? 'refused'
      : {
          rows: request.timeseries.map((series) => expectedOf(tenant, series)),
          metadataCount: request.metadata.length,
        },
  );

  const peerRequest = orRefused(() => decodeThanosWriteRequest(body));
  const peerScanned = orRefused(() => {
    const batch = intake.scan(body, 'identity', { kind: 'thanos' });
    return { rows: scannedOf(batch), replica: batch.replica };
  });
  const groups = peerRequest === 'refused' ? [] : peerRequest.tenants.length > 0 ? peerRequest.tenants : [peerRequest];
  expect(peerScanned).toEqual(
    peerRequest === 'refused'
      ? 'refused'
      : {
          rows: groups.flatMap(({ tenant, timeseries }) => timeseries.map((series) => expectedOf(tenant, series))),
          replica: Number(peerRequest.replica),
        },
  );
  return request === 'refused' ? 'refused' : 'taken';
}

const label = messageOf(delimited(1, text), delimited(2, text));
const sample = messageOf(fixed64Field(1), varintField(2));
const exemplar = messageOf(delimited(1, label), fixed64Field(2), varintField(3));
const histogram = messageOf(...histogramFields);
const series = fc
  .tuple(
    fc.array(delimited(1, label), { maxLength: 5 }),
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: delimited(2, sample) },
        { weight: 1, arbitrary: delimited(3, exemplar) },
        { weight: 1, arbitrary: delimited(4, histogram) },
        { weight: 1, arbitrary: unknownField },
      ),
      { maxLength: 4 },
    ),
    fc.boolean(),
    fc.array(delimited(1, label), { maxLength: 2 }),
  )
  .map(([labels, rest, late, lateLabels]) => Buffer.concat([...labels, ...rest, ...(late ? lateLabels : [])]));
const metadata = messageOf(varintField(1), delimited(2, text), delimited(4, text), delimited(5, text));
const body = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: delimited(1, series) },
      { weight: 1, arbitrary: delimited(3, metadata) },
      { weight: 1, arbitrary: unknownField },
    ),
    { maxLength: 4 },
  )
  .map((parts) => Buffer.concat(parts));
const tuple = messageOf(delimited(1, series), delimited(2, text));
const peerBody = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: delimited(1, series) },
      { weight: 2, arbitrary: delimited(2, text) },
      { weight: 1, arbitrary: varintField(3) },
      { weight: 2, arbitrary: delimited(4, tuple) },
      { weight: 1, arbitrary: unknownField },
    ),
    { maxLength: 5 },
  )
  .map((parts) => Buffer.concat(parts));

describe('the scan finds what its twin finds', () => {
  test('in any sound message', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(body, peerBody), (bytes) => {
        if (expectAgreement(bytes) === 'taken') taken += 1;
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(300);
  });

  test('in damaged messages, and refuses those that it refuses', () => {
    const outcomes = { taken: 0, refused: 0 };
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.oneof(body, peerBody), damage, fc.nat(), (sound, changes, cut) => {
        const bytes = Buffer.from(sound);
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        outcomes[expectAgreement(cut % 4 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes)] += 1;
      }),
      { numRuns: 700 },
    );
    expect(outcomes.taken).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  });

  test('in garbage', () => {
    const garbage = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x0a, 0x12, 0x09, 0x10, 2, 4, 8, 0x80)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(garbage, (bytes) => {
        expectAgreement(Buffer.from(bytes));
      }),
      { numRuns: 700 },
    );
  });
});

const seriesOf = (labels: [string, string][], sampleCount = 1): TimeSeries => ({
  labels: labels.map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const),
  samples: Array.from({ length: sampleCount }, (_, index) => ({
    timestampMs: BigInt(1_780_000_000_000 + index),
    bits: BigInt(index),
  })),
  exemplars: [],
  histograms: [],
});

describe('tables grow with the request', () => {
  test.each([
    ['many series', Buffer.from('0a00'.repeat(5_000), 'hex')],
    ['many samples', encodeWriteRequest({ timeseries: [seriesOf([['a', 'b']], 5_000)] })],
    // A label, an empty sample, and another label: both labels are rewritten, to more than the 64 KiB first tried.
    [
      'labels apart in every series',
      Buffer.from(('0a12' + '0a060a0161120162' + '1200' + '0a060a0163120164').repeat(5_000), 'hex'),
    ],
    [
      'one name of 100,000 bytes and one label without anything',
      encodeWriteRequest({
        timeseries: [
          seriesOf([
            ['n'.repeat(100_000), 'v'],
            ['', ''],
          ]),
        ],
      }),
    ],
  ])('%s', (_, bytes) => {
    expect(expectAgreement(bytes)).toBe('taken');
  });

  test('many tenants, up to the 65,535 that a row can tell apart', () => {
    const tuples = (count: number): Buffer => Buffer.from(('2205' + '12017a' + '0a00').repeat(count), 'hex');
    const batch = intake.scan(tuples(65_535), 'identity', { kind: 'thanos' });
    expect([batch.groupCount, batch.rowCount]).toEqual([65_535, 65_535]);
    expect(readRow(batch, 65_534).group).toBe(65_534);
    expect(() => intake.scan(tuples(65_536), 'identity', { kind: 'thanos' })).toThrow('more than 65535 tenants');
  });
});

describe('gather', () => {
  const timeseries = Array.from({ length: 50 }, (_, index) =>
    seriesOf(
      [
        ['__name__', 'up'],
        ['pod', `pod-${index}`],
      ],
      index % 4,
    ),
  );

  test.each(['snappy-framed', 'identity'] as const)('makes a message of the chosen rows, %s', (encoding) => {
    const pick = (length: number): Uint32Array => Uint32Array.from({ length }, (_, index) => (index * 7) % 50);
    for (const [message, received] of [
      [encodeWriteRequest({ timeseries }), 'identity'],
      [snappyBlockEncode(encodeWriteRequest({ timeseries })), 'snappy-block'],
    ] as const) {
      intake.scan(message, received, { kind: 'prometheus', tenant: 'team-a' });
      for (const length of [0, 1, 20, 50]) {
        const gathered = intake.gather(pick(length), 'team-ä', length === 1 ? 0 : 3, encoding);
        const plain = encoding === 'identity' ? gathered : snappyFramedDecode(gathered, 1 << 24);
        const request = {
          timeseries: [...pick(length)].map((row) => timeseries[row]!),
          tenant: Buffer.from('team-ä'),
          replica: length === 1 ? 0n : 3n,
          tenants: [],
        };
        expect(decodeThanosWriteRequest(plain)).toEqual(request);
        expect(plain.equals(encodeThanosWriteRequest(request))).toBe(true);
      }
    }
  });

  test('makes nothing of no rows, no tenant and no replica', () => {
    intake.scan(encodeWriteRequest({ timeseries }), 'identity', { kind: 'prometheus', tenant: '' });
    expect(intake.gather(new Uint32Array(), '', 0, 'snappy-framed')).toHaveLength(0);
  });

  test('takes series out of tuples, and shortens tags that are longer than need be', () => {
    const inner = encodeWriteRequest({ timeseries: [seriesOf([['a', '1']]), seriesOf([['b', '2']])] });
    const odd = Buffer.concat([Buffer.from('8a8000', 'hex'), inner.subarray(1, inner.length / 2)]);
    const content = Buffer.concat([odd, inner.subarray(inner.length / 2)]);
    const message = Buffer.concat([Buffer.from([0x22, content.length]), content]);
    intake.scan(snappyFramedEncode(message), 'snappy-framed', { kind: 'thanos' });
    const gathered = intake.gather(Uint32Array.of(1, 0), 't', 1, 'identity');
    expect(gathered.toString('hex')).toBe(
      encodeThanosWriteRequest({
        timeseries: [seriesOf([['b', '2']]), seriesOf([['a', '1']])],
        tenant: Buffer.from('t'),
        replica: 1n,
        tenants: [],
      }).toString('hex'),
    );
  });

  test('refuses rows that the last batch does not have as a broken invariant, also after a refused message', () => {
    intake.scan(encodeWriteRequest({ timeseries }), 'identity', { kind: 'prometheus', tenant: 'a' });
    expect(() => intake.gather(Uint32Array.of(50), 'a', 1, 'identity')).toThrow('rows of the batch scanned last');
    expect(() => intake.scan(Buffer.of(0x0a), 'identity', { kind: 'prometheus', tenant: 'a' })).toThrow(MessageError);
    expect(() => intake.gather(Uint32Array.of(0), 'a', 1, 'identity')).toThrow('rows of the batch scanned last');
  });
});

describe('limits', () => {
  const small = createIntake({ messageBytesMax: 1000 });
  const schema = { kind: 'prometheus', tenant: 'a' } as const;
  const tooLarge = expect.objectContaining({ code: 'MESSAGE_TOO_LARGE', kind: 'rejected' }) as unknown as Error;

  test.each(['identity', 'snappy-block', 'snappy-framed'] as const)(
    'a message of more than the limit is refused, %s',
    (encoding) => {
      const compress = {
        identity: (bytes: Buffer) => bytes,
        'snappy-block': snappyBlockEncode,
        'snappy-framed': snappyFramedEncode,
      }[encoding];
      const unknown = (length: number): Buffer =>
        Buffer.concat([Buffer.from('a206', 'hex'), varintOf(BigInt(length - 4)), Buffer.alloc(length - 4)]);
      expect(small.scan(compress(unknown(1000)), encoding, schema).rowCount).toBe(0);
      expect(() => small.scan(compress(unknown(1001)), encoding, schema)).toThrow(tooLarge);
    },
  );

  test('malformed protobuf is told with the place of the field', () => {
    expect(() => small.scan(Buffer.from('0a000a020805', 'hex'), 'identity', schema)).toThrow(
      expect.objectContaining({
        message: 'Cannot decode write request: a field has the wrong wire type at byte 4',
        byteOffset: 4,
      }) as Error,
    );
  });
});
