import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '@gauntlet/base';
import { createIntake, readGroup, readRow, snappyBlockEncode } from './index.js';

/** `up{job="api"} 1` at 1780000000000, as remote write 1.0. */
const body = Buffer.from(
  '0a2b' +
    '0a0e0a085f5f6e616d655f5f12027570' +
    '0a0a0a036a6f621203617069' +
    '121009000000000000f03f1080' +
    '909282e733',
  'hex',
);
body[1] = body.length - 2;

test('the example of the README holds', () => {
  const intake = createIntake({ messageBytesMax: 32 * MiB });
  const batch = intake.scan(snappyBlockEncode(body), 'snappy-block', { kind: 'prometheus', tenant: 'team-a' });

  const row = readRow(batch, 0); // For tests and seldom paths; the head reads the tables themselves.
  expect(row.labels.map(String)).toEqual(['__name__,up', 'job,api']);
  expect(row.samples).toEqual([{ timestampMs: 1_780_000_000_000n, bits: 0x3ff0000000000000n }]);

  const forwarded = intake.gather(Uint32Array.of(0), 'team-a', 1, 'snappy-framed');
  const received = intake.scan(forwarded, 'snappy-framed', { kind: 'thanos', routeHashes: false });
  expect(readGroup(received, 0)).toEqual({ tenant: Buffer.from('team-a'), firstRow: 0, rowCount: 1 });
});

test('the README shows the example that is tested', () => {
  const example = readFileSync(join(__dirname, '../README.md'), 'utf8').split('```')[1]!.split('\n').slice(1);
  const tested = new Set(
    readFileSync(__filename, 'utf8')
      .split('\n')
      .map((line) => line.trim()),
  );
  expect(example.map((line) => line.trim()).filter((line) => line !== '' && !tested.has(line))).toEqual([]);
});
