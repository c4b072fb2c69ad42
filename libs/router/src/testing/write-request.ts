import { snappyBlockEncode } from '@gauntlet/kernel';

type Labels = Readonly<Record<string, string>>;

function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), bytes]);
}

function timeSeries(labels: Labels): Buffer {
  const pairs = Object.entries(labels).map(([name, value]) =>
    field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
  );
  const sample = Buffer.alloc(11);
  sample[0] = 0x09;
  sample.writeDoubleLE(1, 1);
  sample[9] = 0x10;
  sample[10] = 1;
  return Buffer.concat([...pairs, field(2, sample)]);
}

/** prometheus.WriteRequest with one sample for each series, not compressed. */
export function writeRequest(series: readonly Labels[]): Buffer {
  return Buffer.concat(series.map((labels) => field(1, timeSeries(labels))));
}

/** thanos.WriteRequest in the form of newer routers: several tenants in field 4. */
export function tenantsRequest(tenants: Readonly<Record<string, readonly Labels[]>>): Buffer {
  return Buffer.concat(
    Object.entries(tenants).map(([tenant, series]) =>
      field(4, Buffer.concat([writeRequest(series), field(2, Buffer.from(tenant))])),
    ),
  );
}

/** thanos.WriteRequest in the form that every version knows: one tenant in field 2. */
export function tenantRequest(tenant: string, series: readonly Labels[]): Buffer {
  return Buffer.concat([writeRequest(series), field(2, Buffer.from(tenant))]);
}

/** The body of a POST. */
export function writeBody(series: readonly Labels[]): Buffer {
  return Buffer.from(snappyBlockEncode(writeRequest(series)));
}
