import { compareUtf8 } from '@gauntlet/model';
import { toInt64, type Clock } from '@gauntlet/base';
import { paceOf } from './store-api-options.js';
import type { Statistic, TenantReaders, TenantStatistics } from './tenant-reader.js';

export interface StatusOptions {
  /** The header that names the tenant of a request. */
  readonly tenantHeader: string;
  /** The tenant of requests without one. */
  readonly defaultTenant: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** `GET /api/v1/status/tsdb`, as a listener hands it on. */
export interface StatusRequest {
  readonly query: URLSearchParams;
  header(name: string): string | undefined;
  readonly signal: AbortSignal;
}

export interface StatusAnswer {
  readonly status: 200 | 400 | 500;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Rows of each list, where the request does not say. */
const limitDefault = 10;
/** More than any list has. */
const limitMax = 2 ** 31 - 1;

/** Statistics of heads as JSON (spec/receive.md 2.9). */
export async function answerStatusTsdb(
  { query, header, signal }: StatusRequest,
  readers: TenantReaders,
  { tenantHeader, defaultTenant, clock }: StatusOptions,
): Promise<StatusAnswer> {
  if (!readers.isReady) return failure(500, 'internal', 'service unavailable');
  const named = header(tenantHeader) ?? '';
  const isForAll = query.get('all_tenants') === 'true';
  if (isForAll && named !== '')
    return failure(
      400,
      'bad_data',
      `using both the all_tenants parameter and the ${tenantHeader} header is not supported`,
    );
  const limit = limitOf(query.get('limit') ?? '');
  if (typeof limit === 'string') return failure(400, 'bad_data', `unable to parse 'limit' parameter: ${limit}`);
  const wanted = named === '' ? defaultTenant : named;
  const tenants = readers.all().filter(({ tenant }) => isForAll || tenant === wanted);
  const pace = paceOf({ clock }, { signal });
  const rows: string[] = [];
  for (const reader of [...tenants].sort((a, b) => compareUtf8(a.tenant, b.tenant)))
    rows.push(tenantJson(reader.tenant, await reader.statistics(limit, pace)));
  return { status: 200, headers, body: `{"status":"success","data":[${rows.join(',')}]}` };
}

const headers = { 'content-type': 'application/json', 'access-control-allow-origin': '*' };

function failure(status: 400 | 500, errorType: string, error: string): StatusAnswer {
  return { status, headers, body: JSON.stringify({ status: 'error', errorType, error }) };
}

/** A number, or what is wrong with it in the words of Go. */
function limitOf(text: string): number | string {
  if (text === '') return limitDefault;
  const quoted = `strconv.ParseInt: parsing ${JSON.stringify(text)}`;
  if (!/^[+-]?[0-9]+$/.test(text)) return `${quoted}: invalid syntax`;
  const limit = Number(text);
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) return `${quoted}: value out of range`;
  if (limit < 0) return `${limit} is negative`;
  return Math.min(limit, limitMax);
}

function tenantJson(tenant: string, statistics: TenantStatistics): string {
  // Times of an empty head are the ends of int64, which JSON.stringify cannot write.
  const head = [
    `"numSeries":${statistics.seriesCount}`,
    `"numLabelPairs":${statistics.labelPairCount}`,
    `"chunkCount":${statistics.chunkCount}`,
    `"minTime":${toInt64(statistics.minTimeMs)}`,
    `"maxTime":${toInt64(statistics.maxTimeMs)}`,
  ];
  const lists = [
    `"seriesCountByMetricName":${rowsJson(statistics.seriesByMetric)}`,
    `"labelValueCountByLabelName":${rowsJson(statistics.valuesByName)}`,
    `"memoryInBytesByLabelName":${rowsJson(statistics.bytesByName)}`,
    `"seriesCountByLabelValuePair":${rowsJson(statistics.seriesByPair)}`,
  ];
  return `{"tenant":${JSON.stringify(tenant)},"headStats":{${head.join(',')}},${lists.join(',')}}`;
}

function rowsJson(rows: readonly Statistic[]): string {
  return JSON.stringify(rows.map(({ name, value }) => ({ name, value })));
}
