import { snappyBlockEncode } from '@gauntlet/kernel';
import { encodeWriteRequest, encodeWriteRequestV2, type Rejection } from '@gauntlet/remote-write';
import type { RunningRouter } from './index.js';
import { conflicts, isDown, refuses, type Behaviour } from './testing/fake-peers.js';
import { post, runRouter, type Answer } from './testing/run-router.js';
import { writeBody } from './testing/write-request.js';

const series = [
  { __name__: 'up', job: 'a' },
  { __name__: 'up', job: 'b' },
  { __name__: 'up', job: 'c' },
];
const running: RunningRouter[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((router) => router.stop(0)));
});

/** The answer to a write of the three series, whose owners do as they are told. */
async function answerOf(...behaviours: Behaviour[]): Promise<Answer> {
  const { router, url, peers } = await runRouter();
  running.push(router);
  ['a:1', 'b:1', 'c:1'].forEach((address, i) => peers.behaviours.set(address, behaviours[i] ?? refuses()));
  return post(url, writeBody(series), { 'THANOS-TENANT': 'team' });
}

const firstSeries = refuses({ series: 0, item: 'sample', first: 0, count: 1, reason: 'outOfOrder' });

test('a sample that one of three peers refuses is stored by the others', async () => {
  expect(await answerOf(firstSeries)).toMatchObject({ status: 200, text: '' });
});

test('samples that a quorum refuses are a conflict, which names tenant, series and reason', async () => {
  const { status, text } = await answerOf(firstSeries, firstSeries, firstSeries);
  expect(status).toBe(409);
  // Each call holds the series of one replica number, the first of which is refused: which one depends on the placement.
  expect(text).toMatch(
    /^add \d samples: out of order sample \(tenant "team": \{__name__="up", job="[abc]"\}: out of order sample(; tenant "team": .*)*\)\n$/,
  );
});

test('a limit of the tenant is 429, with the time to come back', async () => {
  const one = refuses({ series: 0, item: 'series', first: 0, count: 1, reason: 'seriesLimit' });
  const { status, headers, text } = await answerOf(one, one, one);
  expect(status).toBe(429);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(text).toContain('tenant has as many series as it may');
});

test('a refusal that an outage hides is worth a retry', async () => {
  const { status, text } = await answerOf(firstSeries, isDown, firstSeries);
  expect(status).toBe(503);
  expect(text).toContain('connection refused');
});

test('a Thanos peer that names no samples has refused all of its message', async () => {
  expect((await answerOf(conflicts, conflicts)).status).toBe(409);
});

test('a peer that refuses series which it was not sent counts as failed', async () => {
  const confused = refuses({ series: 99, item: 'sample', first: 0, count: 1, reason: 'outOfOrder' });
  const { status, text } = await answerOf(confused, confused);
  expect(status).toBe(503);
  expect(text).toContain('a:1 refused series that it was not sent');
});

test('series of remote write 2.0 that lack a name are not sent; the others are stored, and counted', async () => {
  const { router, url, peers } = await runRouter();
  running.push(router);
  const body = encodeWriteRequestV2({
    timeseries: [{ job: 'nameless' }, ...series].map((labels) => ({
      labels: Object.entries(labels),
      samples: [{ timestampMs: 1, value: 1 }],
    })),
  });
  const answer = await post(url, snappyBlockEncode(body), {
    'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  });
  expect(answer).toMatchObject({ status: 400 });
  expect(answer.text).toContain('{job="nameless"}: ');
  expect(answer.headers.get('x-prometheus-remote-write-samples-written')).toBe('3');
  expect(new Set(peers.calls.flatMap((call) => call.series)).size).toBe(3);
});

/** The answer to a write of one series with so many samples, of which all peers refuse the same. */
async function answerOfOne(samples: number, rejections: readonly Rejection[]): Promise<Answer> {
  const { router, url, peers } = await runRouter();
  running.push(router);
  for (const address of ['a:1', 'b:1', 'c:1']) peers.behaviours.set(address, refuses(...rejections));
  const one = {
    labels: Object.entries({ __name__: 'up' }),
    samples: Array.from({ length: samples }, (_, i) => ({ timestampMs: i, value: 1 })),
  };
  return post(url, snappyBlockEncode(encodeWriteRequest({ timeseries: [one] })));
}

test('30,000 refusals within one series are told in time', async () => {
  const everySecond = Array.from({ length: 30_000 }, (_, i): Rejection => {
    return { series: 0, item: 'sample', first: 2 * i, count: 1, reason: 'outOfOrder' };
  });
  const startMs = performance.now();
  const { status, text } = await answerOfOne(60_000, everySecond);
  expect({ status, text }).toMatchObject({ status: 409 });
  expect(text).toMatch(/^add 30000 samples: out of order sample /);
  expect(performance.now() - startMs).toBeLessThan(4000);
});

test('of more refusals than are kept, one that is worth a retry makes the write worth one', async () => {
  const conflict: Rejection = { series: 0, item: 'sample', first: 0, count: 1, reason: 'outOfOrder' };
  const many = Array.from({ length: 65_537 }, () => conflict);
  expect((await answerOfOne(1, many)).status).toBe(409);
  many[7] = { ...conflict, item: 'series', reason: 'seriesLimit' };
  expect((await answerOfOne(1, many)).status).toBe(429);
});
