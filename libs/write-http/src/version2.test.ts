import type { LabelBytes } from '@gauntlet/kernel';
import {
  bodyOf,
  bodyV2Of,
  runListener,
  send,
  seriesOf,
  typeV2,
  type Received,
  type Running,
} from './testing/run-listener.js';

let running: Running;
beforeEach(async () => (running = await runListener()));
afterEach(async () => {
  await running.stop();
  expect(running.faults).toEqual([]);
});

const series = seriesOf({ __name__: 'up' }, { __name__: 'up', job: 'a' });

function writtenIn({ headers }: Received): unknown[] {
  return ['samples', 'histograms', 'exemplars'].map((kind) => headers[`x-prometheus-remote-write-${kind}-written`]);
}

/** The types and encodings that decide, whatever the version header says. */
const types = [
  [undefined, 'v1'],
  ['application/x-protobuf', 'v1'],
  ['application/x-protobuf;proto=prometheus.WriteRequest', 'v1'],
  [typeV2, 'v2'],
  ['application/x-protobuf; proto=io.prometheus.write.v2.Request', 'v2'],
  ['application/x-protobuf;proto=io.prometheus.write.v3.Request', undefined],
  ['application/json', undefined],
] as const;
const encodings = [
  [undefined, true],
  ['snappy', true],
  ['gzip', false],
] as const;
const versions = [undefined, '0.1.0', '2.0.0', '2.1.0', 'x'];
const table = versions.flatMap((version) =>
  types.flatMap(([type, is]) =>
    encodings.map(([encoding, isTaken]) => ({ version, type, encoding, is: isTaken ? is : undefined })),
  ),
);

test.each(table)('version $version, type $type, encoding $encoding: $is', async ({ version, type, encoding, is }) => {
  const answer = await send(running.port, {
    body: type?.includes('v2') ? bodyV2Of(series) : bodyOf(series),
    headers: { 'content-type': type, 'content-encoding': encoding, 'x-prometheus-remote-write-version': version },
  });
  expect(answer.status).toBe(is === 'v1' ? 200 : is === 'v2' ? 204 : 415);
  expect(running.target.writes).toHaveLength(is === undefined ? 0 : 1);
  // A sender of 2.0 gets its counts with errors, too.
  expect(writtenIn(answer)).toEqual(
    type?.includes('v2') ? [is === 'v2' ? '2' : '0', '0', '0'] : [undefined, undefined, undefined],
  );
});

const v2 = { 'content-type': typeV2 };

test('labels in any order arrive sorted', async () => {
  await send(running.port, { body: bodyV2Of(seriesOf({ job: 'a', __name__: 'up' })), headers: v2 });
  expect(running.target.writes).toEqual([{ 'default-tenant': ['__name__=up,job=a'] }]);
});

test('an empty request is 204 and nothing written', async () => {
  const answer = await send(running.port, { body: bodyV2Of([]), headers: v2 });
  expect([answer.status, ...writtenIn(answer)]).toEqual([204, '0', '0', '0']);
});

test('a part that can never be stored is 400, with the counts of the rest', async () => {
  running.target.answer = (stored) => ({
    ...stored,
    verdict: 'conflict',
    text: 'why',
    written: { samples: 1, histograms: 0, exemplars: 0 },
  });
  const answer = await send(running.port, { body: bodyV2Of(series), headers: v2 });
  expect([answer.status, answer.body, ...writtenIn(answer)]).toEqual([400, 'why\n', '1', '0', '0']);
});

test('what rules drop counts as written: the sender would take zero for a failure', async () => {
  const relabel = (labels: readonly LabelBytes[]) => (labels.length === 1 ? undefined : labels);
  const dropping = await runListener({ relabel });
  const some = await send(dropping.port, { body: bodyV2Of(series), headers: v2 });
  const all = await send(dropping.port, { body: bodyV2Of(seriesOf({ __name__: 'up' })), headers: v2 });
  expect([some.status, ...writtenIn(some)]).toEqual([204, '2', '0', '0']);
  expect([all.status, ...writtenIn(all)]).toEqual([204, '1', '0', '0']);
  expect(dropping.target.writes).toEqual([{ 'default-tenant': ['__name__=up,job=a'] }]);
  await dropping.stop();
});

test('series that the version refuses stay refused when rules run', async () => {
  const renaming = await runListener({ relabel: (labels) => [[Buffer.from('__name__'), Buffer.from('x')], ...labels] });
  const nameless = await send(renaming.port, { body: bodyV2Of(seriesOf({ job: 'a' })), headers: v2 });
  expect(nameless).toMatchObject({ status: 400, body: 'label set contains a label with empty name or value\n' });
  await renaming.stop();
});
