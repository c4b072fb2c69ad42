import { silentLog, systemClock } from '@gauntlet/base';
import { snappyFramedDecode, snappyFramedEncode } from '@gauntlet/kernel';
import { canonicalLabels, labelsOf } from '@gauntlet/model';
import type { CallContext, MessageSink } from '@gauntlet/rpc';
import { compileMatcher, type SelectedSeries, type SeriesSource } from '@gauntlet/select';
import { answerSeries } from './series-call.js';
import type { SeriesRequest } from './read-requests.js';
import type { TenantReader } from './tenant-reader.js';

/*
 * CPU of everything between a store and the gRPC stream, for series that are at hand: merging, hashing, encoding. On two
 * shared and busy cores, Node 20, with labels of 200 bytes:
 *
 *     labels alone                 0.4 us a series, in batches of 64 0.25 us
 *     one chunk of 150 bytes       1.2 us a series, in batches 1.1 us
 *     four chunks of 400 bytes     2.5 us a series
 *
 * Run it bundled, as the apps are: esbuild libs/store-api/src/series-call.bench.ts --bundle --platform=node --external:snappy
 */
const seriesCount = 200_000;
const labels = Array.from({ length: 1000 }, (_, index) =>
  canonicalLabels(
    labelsOf({
      __name__: 'http_request_duration_seconds_bucket',
      cluster: 'eu-central-1',
      handler: '/api/v1/receive',
      instance: `ingester-${String(index).padStart(6, '0')}.receive.svc:10902`,
      job: 'thanos-receive',
      le: '0.25',
      replica: 'r1',
      tenant_id: 'team-a',
    }),
  ),
);

function chunksOf(count: number, bytes: number): SelectedSeries['chunks'] {
  return Array.from({ length: count }, (_, index) => ({
    minTimeMs: 1_795_233_600_000 + index * 3_600_000,
    maxTimeMs: 1_795_233_600_000 + index * 3_600_000 + 3_585_000,
    encoding: 1,
    data: Buffer.alloc(bytes, index * 7),
  }));
}

function sourceOf(chunks: SelectedSeries['chunks']): SeriesSource {
  let at = 0;
  return {
    next: () => (at++ < seriesCount ? { labels: labels[at % 1000]!, chunks } : undefined),
    close: () => undefined,
  };
}

function readerOf(tenant: string, chunks: SelectedSeries['chunks']): TenantReader {
  const select = (): Promise<SeriesSource> => Promise.resolve(sourceOf(chunks));
  return {
    tenant,
    externalLabels: labelsOf({ tenant_id: tenant }),
    minTimeMs: 0,
    warnings: [],
    store: { select } as unknown as TenantReader['store'],
    exemplars: () => Promise.resolve([]),
    statistics: () => Promise.reject(new Error('nobody asks')),
  };
}

async function measure(name: string, chunks: SelectedSeries['chunks'], batchSeriesMax: number): Promise<void> {
  const request: SeriesRequest = {
    matchers: [compileMatcher('=', '__name__', 'x')],
    minTimeMs: -Infinity,
    maxTimeMs: Infinity,
    isStrict: false,
    replicaLabels: [],
    limit: 0,
    skipChunks: false,
    shard: { index: 0, count: 0, by: false, labels: [] },
    batchSeriesMax,
  };
  let bytes = 0;
  const out: MessageSink = {
    write: (message) => (bytes += message.length),
    ready: undefined,
  };
  const call = { signal: new AbortController().signal } as CallContext;
  const options = {
    limits: { seriesMax: 0, samplesMax: 0 },
    codec: { encode: snappyFramedEncode, decode: snappyFramedDecode },
    clock: systemClock,
    log: silentLog,
  };
  const readers = { all: () => [readerOf('a', chunks)], isReady: true };
  for (let round = 0; round < 3; round += 1) {
    bytes = 0;
    const before = process.cpuUsage();
    await answerSeries(request, readers, call, out, options);
    const { user, system } = process.cpuUsage(before);
    const us = (user + system) / seriesCount;
    console.log(
      `${name}: ${us.toFixed(2)} us a series, ${Math.round(1e6 / us)} series and ${Math.round(bytes / us / (seriesCount / 1e6) / 2 ** 20)} MiB a CPU second`,
    );
  }
}

void (async () => {
  await measure('labels alone', [], 0);
  await measure('labels alone, batches', [], 64);
  await measure('one chunk of 150 bytes', chunksOf(1, 150), 0);
  await measure('one chunk of 150 bytes, batches', chunksOf(1, 150), 64);
  await measure('four chunks of 400 bytes', chunksOf(4, 400), 64);
})();
