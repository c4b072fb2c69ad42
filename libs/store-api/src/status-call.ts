import type { CallContext } from '@gauntlet/rpc';
import { MessageWriter } from './message-writer.js';
import type { StatisticsRequest } from './read-requests.js';
import { paceOf, type StoreApiOptions } from './store-api-options.js';
import { StoreNotReadyError } from './store-error.js';
import type { Statistic, TenantReader, TenantReaders, TenantStatistics } from './tenant-reader.js';

/** Status.TSDBStatistics (spec/receive.md 5.6): one message with all tenants asked for, also when there are none. */
export async function answerStatistics(
  request: StatisticsRequest,
  readers: TenantReaders,
  call: CallContext,
  options: Pick<StoreApiOptions, 'clock'>,
): Promise<Uint8Array> {
  if (!readers.isReady) throw new StoreNotReadyError('not ready');
  const pace = paceOf(options, call);
  const byTenant = new MessageWriter();
  for (const reader of readers.all()) {
    if (!isAskedFor(reader, request)) continue;
    const statistics = await reader.statistics(request.limit, pace);
    byTenant.message(1, (entry) => {
      entry.string(1, reader.tenant);
      entry.message(2, (value) => writeStatistics(value, statistics));
    });
  }
  const response = new MessageWriter();
  response.bytes(1, byTenant.view());
  return response.view();
}

function isAskedFor({ tenant, externalLabels }: TenantReader, request: StatisticsRequest): boolean {
  if (request.tenant !== '' && request.tenant !== tenant) return false;
  const values = new Map(externalLabels.map(({ name, value }) => [name, value]));
  return request.matchers.every((matcher) => matcher.matches(values.get(matcher.name) ?? ''));
}

function writeStatistics(entry: MessageWriter, statistics: TenantStatistics): void {
  entry.message(1, (head) => {
    head.int64(1, statistics.seriesCount);
    head.int64(2, statistics.labelPairCount);
    // Field 3, the count of chunks, is left out as Thanos leaves it.
    head.int64(4, statistics.minTimeMs);
    // A head without samples has no end: Thanos sends its beginning alone.
    if (statistics.maxTimeMs > -Infinity) head.int64(5, statistics.maxTimeMs);
  });
  const lists = [statistics.seriesByMetric, statistics.valuesByName, statistics.bytesByName, statistics.seriesByPair];
  for (const [index, list] of lists.entries())
    for (const row of list) entry.message(2 + index, (message) => writeStatistic(message, row));
}

function writeStatistic(message: MessageWriter, { name, value }: Statistic): void {
  message.string(1, name);
  message.int64(2, value);
}
