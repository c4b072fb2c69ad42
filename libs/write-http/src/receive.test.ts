import { OperationalError } from '@gauntlet/base';
import type { FakeTarget } from './testing/fake-target.js';
import { bodyOf, oneSeries, runListener, send, seriesOf, type Running } from './testing/run-listener.js';

let running: Running;
beforeEach(async () => (running = await runListener({ random: () => 0.5 })));
afterEach(async () => {
  await running.stop();
  expect(running.faults).toEqual([]);
});

test('a write reaches the target under its tenant, and is answered 200 without a body', async () => {
  const body = bodyOf(seriesOf({ __name__: 'up' }, { __name__: 'down', job: 'a' }));
  const answer = await send(running.port, { body, headers: { 'thanos-tenant': 'team-a' } });
  expect(answer).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } });
  expect(running.target.writes).toEqual([{ 'team-a': ['__name__=up', '__name__=down,job=a'] }]);
});

test.each([
  ['stored', 200, ''],
  ['conflict', 409, 'team: why\n'],
  ['limited', 429, 'team: why\n'],
  ['unavailable', 503, 'team: why\n'],
] as const)('what was %s is answered %d', async (verdict, status, body) => {
  running.target.answer = (stored) => ({ ...stored, verdict, text: verdict === 'stored' ? '' : 'team: why' });
  const answer = await send(running.port, { body: oneSeries });
  expect(answer).toMatchObject({ status, body });
  expect(answer.headers['retry-after']).toBe(status === 429 || status === 503 ? '2' : undefined);
});

test('a source can be scanned again after the target has waited', async () => {
  let rows: number[] = [];
  running.target.answer = async (stored, source) => {
    rows = [source.scan().rowCount];
    await Promise.all([1, 2, 3].map(() => send(running.port, { body: new Uint8Array(1) })));
    rows.push(source.scan().rowCount);
    source.release();
    return stored;
  };
  expect((await send(running.port, { body: bodyOf(seriesOf({ a: '1' }, { b: '2' })) })).status).toBe(200);
  expect(rows).toEqual([2, 2]);
});

test('a sender of 1.0 that names no version gets the code of the specification for what can never be stored', async () => {
  class ConflictError extends OperationalError {
    readonly kind = 'conflict';
    readonly code = 'CONFLICT';
  }
  const plain = { 'x-prometheus-remote-write-version': undefined };
  const answers: FakeTarget['answer'][] = [
    (stored) => ({ ...stored, verdict: 'conflict', text: 'why' }),
    () => Promise.reject(new ConflictError('why')),
  ];
  for (const answer of answers) {
    running.target.answer = answer;
    expect((await send(running.port, { body: oneSeries, headers: plain })).status).toBe(400);
    expect((await send(running.port, { body: oneSeries })).status).toBe(409);
  }
});
