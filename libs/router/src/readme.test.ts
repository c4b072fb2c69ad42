import { minuteMs } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grpcPeerTransport, startRouter } from './index.js';

test('the lines of the README do what they say', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'router-'));
  const file = join(directory, 'hashrings.json');
  await writeFile(file, '[{"endpoints":["127.0.0.1:1","127.0.0.1:2","127.0.0.1:3"]}]');
  const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
  const router = await startRouter({
    listen: { host: '127.0.0.1', port: 0 },
    hashrings: { file, refreshIntervalMs: 5 * minuteMs },
    algorithm: 'ketama',
    replicationFactor: 3,
    transport: grpcPeerTransport({ codec }),
  });
  expect(router.httpAddress.port).toBeGreaterThan(0);
  await router.handleRemoteWrite(new Uint8Array(), 'snappy-framed'); // No series, so no peer is asked.
  await router.stop(10_000);
  await rm(directory, { recursive: true });
});
