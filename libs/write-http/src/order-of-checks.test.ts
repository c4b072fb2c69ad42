import { snappyBlockEncode } from '@gauntlet/kernel';
import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { Admission } from './admission.js';
import { limitsOf } from './testing/fake-limits.js';
import { bodyOf, runListener, send, seriesOf, type Received } from './testing/run-listener.js';

/** What can be wrong with a request, in the order in which it is looked at (spec/receive.md 2.4), and what is said of it. */
const checks = [
  ['notReady', 503, 'Service Unavailable'],
  ['tenant', 400, 'tenant name not valid\n'],
  ['full', 503, 'Cannot admit write: 0 requests are in flight\n'],
  ['headSeries', 429, 'tenant is above active series limit\n'],
  ['declaredLength', 413, 'write request too large\n'],
  ['decompressedLength', 413, 'write request too large\n'],
  ['mediaType', 415, 'Cannot read write request: content type "text/plain" is not application/x-protobuf\n'],
  ['protobuf', 400, 'Cannot decode write request: a field is cut short at byte 1\n'],
  ['replica', 400, 'could not parse replica header\n'],
  ['series', 413, 'too many timeseries\n'],
  ['samples', 413, 'too many samples\n'],
  ['samplesPerSecond', 429, 'tenant is above samples per second limit\n'],
  ['splitTenant', 400, 'tenant name not valid: validation error\n'],
  ['target', 409, 'why\n'],
] as const;
type Fault = (typeof checks)[number][0];

async function answerTo(isWrong: (fault: Fault) => boolean): Promise<Received> {
  const { stop, target, port } = await runListener({
    admission: new Admission({ requestsInflightMax: isWrong('full') ? 0 : 10, bytesInflightMax: 10_000 }),
    limits: limitsOf({
      default: {
        bodyBytesMax: isWrong('decompressedLength') || isWrong('declaredLength') ? 20 : 0,
        seriesMax: isWrong('series') ? 1 : 0,
        samplesMax: isWrong('samples') ? 1 : 0,
      },
      crowded: isWrong('headSeries') ? ['default-tenant'] : [],
      takeSamples: () => (isWrong('samplesPerSecond') ? 3500 : 0),
    }),
    splitLabel: 'team',
  });
  try {
    target.ready = !isWrong('notReady');
    target.answer = (stored) => (isWrong('target') ? { ...stored, verdict: 'conflict', text: 'why' } : stored);
    return await send(port, {
      headers: {
        'thanos-tenant': isWrong('tenant') ? 'a/b' : undefined,
        'content-type': isWrong('mediaType') ? 'text/plain' : undefined,
        'thanos-replica': isWrong('replica') ? 'x' : undefined,
        'transfer-encoding': isWrong('declaredLength') ? undefined : 'chunked',
      },
      body: bodyWith(isWrong),
    });
  } finally {
    await stop();
  }
}

function bodyWith(isWrong: (fault: Fault) => boolean): Uint8Array {
  if (isWrong('protobuf')) return snappyBlockEncode(Buffer.from(`\x0a\x7f${'x'.repeat(60)}`, 'latin1'));
  return bodyOf(seriesOf({ a: '1', team: isWrong('splitTenant') ? '..' : 'x' }, { a: '2' }));
}

test.each(checks)('of all that is wrong from %s on, that is told: %d', async (fault, status, body) => {
  const names = checks.map(([name]) => name);
  const first = names.indexOf(fault);
  const answer = await answerTo((name) => names.indexOf(name) >= first);
  expect(answer).toMatchObject({ status, body });
  expect(answer.headers['retry-after'] !== undefined).toBe(status === 429 || status === 503);
});

test.each(checks)('alone, %s is told: %d', async (fault, status, body) => {
  expect(await answerTo((name) => name === fault)).toMatchObject({ status, body });
});

test('nothing wrong is 200', async () => {
  expect(await answerTo(() => false)).toMatchObject({ status: 200, body: '' });
});

test('the wait for samples is told in seconds, rounded up', async () => {
  expect((await answerTo((name) => name === 'samplesPerSecond')).headers['retry-after']).toBe('4');
});

describe('a request without series', () => {
  const metadataOnly = snappyBlockEncode(
    encodeWriteRequest({
      timeseries: [],
      metadata: [{ type: 1, metricFamilyName: Buffer.from('up'), help: Buffer.from('?'), unit: Buffer.alloc(0) }],
    }),
  );
  test('is a success, and does not reach the target', async () => {
    const { stop, target, port } = await runListener();
    expect(await send(port, { body: metadataOnly })).toMatchObject({ status: 200, body: '' });
    expect(target.writes).toEqual([]);
    await stop();
  });

  test('still needs a replica header that is a number', async () => {
    const { stop, port } = await runListener();
    expect((await send(port, { body: metadataOnly, headers: { 'thanos-replica': '1.5' } })).status).toBe(400);
    await stop();
  });
});

test('histograms count as samples where the limits say so', async () => {
  const histogram = {
    sumBits: 0n,
    schema: 0,
    zeroThresholdBits: 0n,
    negativeSpans: [],
    negativeDeltas: [],
    negativeCountBits: [],
  };
  const rest = {
    positiveSpans: [],
    positiveDeltas: [],
    positiveCountBits: [],
    resetHint: 0,
    timestampMs: 1n,
    customValueBits: [],
  };
  const series: SeriesInput[] = [
    {
      labels: [['a', '1']],
      samples: [],
      histograms: [
        { ...histogram, ...rest },
        { ...histogram, ...rest },
      ],
    },
  ];
  const statuses: number[] = [];
  for (const countsHistograms of [false, true]) {
    const { stop, port } = await runListener({ limits: limitsOf({ default: { samplesMax: 1 }, countsHistograms }) });
    statuses.push((await send(port, { body: bodyOf(series) })).status);
    await stop();
  }
  expect(statuses).toEqual([200, 413]);
});

test('what is refused by a limit is reported with its excess', async () => {
  const hits: unknown[] = [];
  const limits = limitsOf({ default: { seriesMax: 1 }, reportHit: (...hit) => hits.push(hit) });
  const { stop, port } = await runListener({ limits });
  await send(port, { body: bodyOf(seriesOf({ a: '1' }, { a: '2' }, { a: '3' })) });
  expect(hits).toEqual([['default-tenant', 'series', 2]]);
  await stop();
});
