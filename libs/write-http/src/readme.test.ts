import { MiB } from '@gauntlet/base';
import { createIntake } from '@gauntlet/kernel';
import { createRegistry } from '@gauntlet/telemetry';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Admission,
  serveWrites,
  statusWithoutSeries,
  writeListenerDefaults,
  writeMetrics,
  type WriteTarget,
} from './index.js';
import { oneSeries, send } from './testing/run-listener.js';

test('the lines of the README do what they say', async () => {
  const target: WriteTarget = {
    ready: true,
    async write(source) {
      const { sampleCount: samples, rowCount: series } = source.scan(); // Good until the first await.
      const written = { samples, histograms: 0, exemplars: 0 };
      return { verdict: 'stored', text: '', written, tenants: [{ tenant: 'team-a', series, samples }] };
    },
  };
  const server = await serveWrites({
    listen: { host: '127.0.0.1', port: 0 },
    target,
    intake: createIntake({ messageBytesMax: 128 * MiB }), // The target may use it too.
    admission: new Admission(writeListenerDefaults),
    status: statusWithoutSeries(target),
    observer: writeMetrics(createRegistry()),
  });
  const { port } = server.address;
  expect((await send(port, { body: oneSeries })).status).toBe(200);
  await server.stop(10_000);
});

test('the README shows the lines that are tested', () => {
  const example = readFileSync(join(__dirname, '../README.md'), 'utf8').split('```')[1]!.split('\n').slice(1);
  const tested = new Set(
    readFileSync(__filename, 'utf8')
      .split('\n')
      .map((line) => line.trim()),
  );
  expect(example.map((line) => line.trim()).filter((line) => line !== '' && !tested.has(line))).toEqual([]);
});
