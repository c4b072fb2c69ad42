import { countRejections, noRejections } from '@gauntlet/head';
import { createIntake } from '@gauntlet/kernel';
import { decodeRejections, encodeWriteRequest, RejectionList, type RejectionReason } from '@gauntlet/remote-write';
import type { AppendOutcome, Tsdb } from '@gauntlet/tsdb';
import { WriteFailedError } from './verdict.js';
import type { TenantDatabases } from './write-groups.js';
import { WriteService } from './write-service.js';

const stored: AppendOutcome = {
  rejected: noRejections(),
  hasRejections: false,
  samplesAppended: 1,
  exemplarsAccepted: 0,
  rejections: new RejectionList(),
  committed: Promise.resolve(),
};
/** Refuses the first sample of a row. */
function refusing(reason: RejectionReason, row = 0): AppendOutcome {
  const rejections = new RejectionList();
  rejections.add(row, 'sample', reason);
  return { ...stored, rejections, rejected: countRejections(rejections), hasRejections: true };
}
const conflict = refusing('outOfOrder');

/** Databases that write down which series of which tenant they were given. */
class Databases implements TenantDatabases {
  ready = true;
  readonly appended: string[] = [];
  readonly outcomes = new Map<string, () => AppendOutcome>();
  readonly keepsExemplars = false;
  readonly unopenable = new Set<string>();
  readonly #open = new Set<string>();
  /** Runs while a tenant is being opened. */
  meanwhile: () => void = () => {};

  constructor(...open: string[]) {
    this.#open = new Set(open);
  }

  get(tenant: string): Tsdb | undefined {
    if (!this.#open.has(tenant)) return undefined;
    const append = (
      batch: { body: Uint8Array; rows: Uint8Array; groups: Uint8Array },
      group: number,
    ): AppendOutcome => {
      const groups = new DataView(batch.groups.buffer, batch.groups.byteOffset);
      const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset);
      const first = groups.getUint32(group * 16 + 8, true);
      const at = rows.getUint32(first * 56 + 16, true);
      // The value of the only label is the last thing in it.
      const labels = Buffer.from(batch.body.subarray(at, at + rows.getUint32(first * 56 + 20, true))).toString(
        'latin1',
      );
      this.appended.push(`${tenant}: ${labels.slice(labels.lastIndexOf('=') + 1)}`);
      return this.outcomes.get(tenant)?.() ?? stored;
    };
    return { append } as unknown as Tsdb;
  }

  async open(tenant: string): Promise<Tsdb> {
    await Promise.resolve();
    this.meanwhile();
    if (this.unopenable.has(tenant))
      throw new WriteFailedError('unavailable', `Cannot open database of tenant ${tenant}: no`);
    this.#open.add(tenant);
    return this.get(tenant)!;
  }
}

const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
const seriesOf = (text: string): Buffer =>
  encodeWriteRequest({ timeseries: [{ labels: [['n', `=${text}`]], samples: [{ timestampMs: 1, value: 1 }] }] });
/** thanos.WriteRequest with one series for each tenant, whose label is the tenant's text. */
const requestOf = (...tenants: string[]): Buffer =>
  Buffer.concat(
    tenants.map((tenant) => field(4, Buffer.concat([seriesOf(`of ${tenant}`), field(2, Buffer.from(tenant))]))),
  );

const serviceOf = (databases: Databases, inflightBytesMax = 1 << 20): WriteService =>
  new WriteService({ intake: createIntake({ messageBytesMax: 1 << 20 }), databases, inflightBytesMax });

test('every tenant of a request gets its own series', async () => {
  const databases = new Databases('a', 'b');
  await serviceOf(databases).remoteWrite(requestOf('a', 'b'), 'identity');
  expect(databases.appended).toEqual(['a: of a', 'b: of b']);
});

test('the first write of new tenants is stored, whatever was scanned while they were opened', async () => {
  const databases = new Databases('other');
  const service = serviceOf(databases);
  let disturbed = 0;
  databases.meanwhile = () => {
    if (disturbed++ < 2) void service.remoteWrite(requestOf('other'), 'identity');
  };
  await service.remoteWrite(requestOf('new-1', 'new-2'), 'identity');
  expect(databases.appended).toEqual(expect.arrayContaining(['new-1: of new-1', 'new-2: of new-2', 'other: of other']));
});

test('a tenant that cannot be opened does not keep the others from being stored, and makes the answer retryable', async () => {
  const databases = new Databases();
  databases.unopenable.add('bad');
  await expect(serviceOf(databases).remoteWrite(requestOf('bad', 'good'), 'identity')).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'writing bad data to local TSDB: Cannot open database of tenant bad: no',
  });
  expect(databases.appended).toEqual(['good: of good']);
});

test.each(['..', 'a/b', 'lost+found', 'n'.repeat(256)])(
  'a tenant named %j is refused, and the valid one beside it stored',
  async (name) => {
    const databases = new Databases('good');
    const good = requestOf('good');
    const bad = field(2, Buffer.from(name.slice(0, 100)));
    const body = Buffer.concat([
      seriesOf('x'),
      name.length > 100 ? Buffer.concat([Buffer.from([0x12, 0x80, 0x02]), Buffer.from(name)]) : bad,
    ]);
    const length = Buffer.from(
      body.length < 128 ? [0x22, body.length] : [0x22, (body.length & 127) | 128, body.length >> 7],
    );
    await expect(
      serviceOf(databases).remoteWrite(Buffer.concat([length, body, good]), 'identity'),
    ).rejects.toMatchObject({ kind: 'rejected' });
    expect(databases.appended).toEqual(['good: of good']);
  },
);

test('a byte order mark makes another tenant, not the same', async () => {
  const databases = new Databases('a', '\uFEFFa');
  await serviceOf(databases).remoteWrite(requestOf('\uFEFFa'), 'identity');
  expect(databases.appended).toEqual(['\uFEFFa: of \u00ef\u00bb\u00bfa']);
});

test('a log that fails makes the answer retryable, although another tenant has a conflict', async () => {
  const databases = new Databases('a', 'b');
  databases.outcomes.set('a', () => conflict);
  databases.outcomes.set('b', () => ({
    ...stored,
    committed: Promise.reject(new WriteFailedError('unavailable', 'disk')),
  }));
  await expect(serviceOf(databases).remoteWrite(requestOf('a', 'b'), 'identity')).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'got 2 errors while writing to multiple tenants, first one: writing b data to local TSDB: disk',
  });
});

const listed = (series: number, reason: RejectionReason) => ({ series, item: 'sample', first: 0, count: 1, reason });

test.each<[string, Record<string, AppendOutcome>, object[]]>([
  ['a conflict of one tenant', { a: conflict }, [listed(0, 'outOfOrder')]],
  // Rows are numbered through the whole message.
  [
    'refusals of several',
    { a: refusing('seriesLimit'), b: refusing('duplicate', 1) },
    [listed(0, 'seriesLimit'), listed(1, 'duplicate')],
  ],
  ['nothing', {}, []],
])('a router that reads verdicts is told %s item by item', async (_what, outcomes, expected) => {
  const databases = new Databases('a', 'b');
  for (const [tenant, outcome] of Object.entries(outcomes)) databases.outcomes.set(tenant, () => outcome);
  const body = await serviceOf(databases).remoteWrite(requestOf('a', 'b'), 'identity', { verdicts: true });
  expect(decodeRejections(body)).toEqual(expected);
});

test('a failure of another kind is a status, also for a router that reads verdicts', async () => {
  const databases = new Databases('a', 'b');
  databases.outcomes.set('a', () => conflict);
  databases.outcomes.set('b', () => ({
    ...stored,
    committed: Promise.reject(new WriteFailedError('unavailable', 'disk')),
  }));
  await expect(
    serviceOf(databases).remoteWrite(requestOf('a', 'b'), 'identity', { verdicts: true }),
  ).rejects.toMatchObject({ kind: 'unavailable' });
});

test.each<[string, Record<string, AppendOutcome>, object]>([
  [
    'a conflict',
    { a: conflict },
    {
      kind: 'conflict',
      message:
        'writing a data to local TSDB: add 1 samples: out of order sample (tenant "a": {n="=of a"}: out of order sample)',
    },
  ],
  ['the limit', { a: refusing('seriesLimit') }, { kind: 'overloaded', grpcCode: 8 }],
  // The more retryable one: a client that drops the request would lose what may be stored later.
  ['the limit after a conflict', { a: conflict, b: refusing('seriesLimit', 1) }, { kind: 'overloaded', grpcCode: 8 }],
])('a router that reads no verdicts is told of %s by a status', async (_what, outcomes, expected) => {
  const databases = new Databases('a', 'b');
  for (const [tenant, outcome] of Object.entries(outcomes)) databases.outcomes.set(tenant, () => outcome);
  await expect(serviceOf(databases).remoteWrite(requestOf('a', 'b'), 'identity')).rejects.toMatchObject(expected);
});

test('an answer waits until what was accepted is durable', async () => {
  const databases = new Databases('a');
  let commit!: () => void;
  databases.outcomes.set('a', () => ({ ...stored, committed: new Promise((resolve) => (commit = resolve)) }));
  const service = serviceOf(databases);
  let answered = false;
  const writing = service.remoteWrite(requestOf('a'), 'identity').then(() => (answered = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  expect(service.inflightWrites).toBe(1);
  commit();
  await writing;
  expect(service.inflightWrites).toBe(0);
});

test('bytes in work are bounded, but one request alone is taken however large it is', async () => {
  const databases = new Databases('a');
  let commit!: () => void;
  databases.outcomes.set('a', () => ({ ...stored, committed: new Promise((resolve) => (commit = resolve)) }));
  const service = serviceOf(databases, 1);
  const writing = service.remoteWrite(requestOf('a'), 'identity');
  await expect(service.remoteWrite(requestOf('a'), 'identity')).rejects.toMatchObject({ kind: 'overloaded' });
  commit();
  await writing;
});

test('before the databases are open every write is refused as retryable', async () => {
  const databases = new Databases('a');
  databases.ready = false;
  await expect(serviceOf(databases).remoteWrite(requestOf('a'), 'identity')).rejects.toMatchObject({
    kind: 'unavailable',
  });
});

test.each([
  ['an empty message', Buffer.alloc(0)],
  ['a tenant without series', field(2, Buffer.from('t'))],
  ['a tuple without series', field(4, field(2, Buffer.from('t')))],
])('%s is answered with success and opens nothing', async (_name, message) => {
  const databases = new Databases();
  await serviceOf(databases).remoteWrite(message, 'identity');
  expect(databases.get('t')).toBeUndefined();
});

test('bytes that are no message are refused', async () => {
  await expect(serviceOf(new Databases()).remoteWrite(Buffer.from([0x0a, 0x7f]), 'identity')).rejects.toMatchObject({
    code: 'PROTOBUF_MALFORMED',
  });
});
