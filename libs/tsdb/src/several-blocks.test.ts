import { createIntake } from '@gauntlet/kernel';
import { canonicalLabels, labelsOf, type Labels } from '@gauntlet/model';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { createOverlay } from '@gauntlet/select';
import { collect, stillPace } from '@gauntlet/select/testing';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { LabClock } from './testing/lab-clock.js';
import { labOptions } from './testing/lab-options.js';
import { Tsdb } from './tsdb.js';

const intake = createIntake({ messageBytesMax: 1 << 20 });

function write(database: Tsdb, labels: Labels, timestampMs: number): Promise<void> {
  const series = labels.map(({ name, value }) => [name, value] as const);
  const request = encodeWriteRequest({ timeseries: [{ labels: series, samples: [{ timestampMs, value: 1 }] }] });
  const message = Buffer.concat([request, Buffer.from([0x12, 1, 0x74])]);
  return database.append(intake.scan(message, 'identity', { kind: 'thanos', routeHashes: false }), 0).committed;
}

test('series of several blocks and the head come with their own labels and external ones', async () => {
  const vfs = new MemoryVfs();
  await vfs.makeDir('/data');
  const clock = new LabClock();
  let seed = 0;
  const database = await Tsdb.open({
    ...labOptions(vfs, { clock }),
    randomBytes: (length) => Uint8Array.from({ length }, () => (seed = (seed * 31 + 7) % 251)),
  });
  // Of different lengths, so that one cannot be taken for a part of another.
  const metrics = ['a', 'bb', 'ccc'.repeat(50)];
  for (const [index, metric] of metrics.entries()) {
    clock.now = 100_000 * (index + 1);
    await write(database, labelsOf({ __name__: metric, part: String(index) }), clock.now);
    if (index < 2) await database.flush();
  }
  expect(database.blocks).toHaveLength(2);
  const source = await database.reader.select({
    ...{ matchers: [], minTimeMs: -Infinity, maxTimeMs: Infinity, limit: 0, skipChunks: true, pace: stillPace },
    overlay: createOverlay(labelsOf({ part: 'outside', replica: 'one', tenant_id: 't' }), ['replica']),
  });
  const found = (await collect(source)).map(({ labels }) => labels);
  expect(found).toEqual(
    metrics.map((metric) => canonicalLabels(labelsOf({ __name__: metric, part: 'outside', tenant_id: 't' }))),
  );
  await database.close();
});
