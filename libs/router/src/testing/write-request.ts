import { snappyBlockEncode } from '@gauntlet/kernel';
import { encodeThanosWriteRequest, encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';

type Labels = Readonly<Record<string, string>>;

/** One sample for each series. */
const seriesOf = (series: readonly Labels[]): SeriesInput[] =>
  series.map((labels) => ({ labels: Object.entries(labels), samples: [{ timestampMs: 1, value: 1 }] }));

/** thanos.WriteRequest in the form of newer routers: several tenants in field 4. */
export function tenantsRequest(tenants: Readonly<Record<string, readonly Labels[]>>): Buffer {
  return encodeThanosWriteRequest({
    tenants: Object.entries(tenants).map(([tenant, series]) => ({ tenant, timeseries: seriesOf(series) })),
  });
}

/** thanos.WriteRequest in the form that every version knows: one tenant in field 2. */
export function tenantRequest(tenant: string, series: readonly Labels[]): Buffer {
  return encodeThanosWriteRequest({ tenant, timeseries: seriesOf(series) });
}

/** The body of a POST. */
export function writeBody(series: readonly Labels[]): Buffer {
  return Buffer.from(snappyBlockEncode(encodeWriteRequest({ timeseries: seriesOf(series) })));
}
