import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog as log, systemClock as clock } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { labelsOf } from '@gauntlet/model';
import { createGrpcServer } from '@gauntlet/rpc';
import { serveStoreApi, type TenantReaders } from './index.js';
import { modelReader } from './testing/model-reader.js';
import { StoreClient } from './testing/store-client.js';

test('the example of the README works', async () => {
  const codec = { encode: snappyFramedEncode, decode: snappyFramedDecode };
  const chunk = { minTimeMs: 1, maxTimeMs: 2, encoding: 1, data: Buffer.of(0, 0) };
  const series = [{ labels: labelsOf({ __name__: 'up', job: 'api' }), chunks: [chunk] }];
  const reader = modelReader({ tenant: 'team-a', externalLabels: labelsOf({ tenant_id: 'team-a' }), series });
  const tenants = new Map([['team-a', reader]]);

  // <README>
  const readers: TenantReaders = { all: () => [...tenants.values()], isReady: true };
  const server = createGrpcServer({ address: '127.0.0.1:0', codec });
  const limits = { seriesMax: 100_000, samplesMax: 0 }; // --store.limits.*
  serveStoreApi(server, readers, { limits, codec, clock, log });
  const port = await server.listen();
  // </README>

  const client = new StoreClient(port);
  const { messages } = await client.call('thanos.Store', 'LabelValues', { label: 'tenant_id', end: 5 });
  expect(messages[0].values).toEqual(['team-a']);
  client.close();
  await server.stop(0);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
