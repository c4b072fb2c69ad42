import { MiB } from '@gauntlet/base';
import { createIntake, readGroup, readRow, type Row } from '@gauntlet/kernel';
import type { TenantId } from '@gauntlet/model';
import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import fc from 'fast-check';
import { ByteWriter } from './byte-writer.js';
import { rewriteRequest, tenantsMax, type RewriteRules, type RewrittenRequest } from './rewrite-request.js';
import { readWrite, type SeenWrite } from './testing/fake-target.js';
import { seriesOf } from './testing/run-listener.js';

const intake = createIntake({ messageBytesMax: 4 * MiB });
const tenant = 'http' as TenantId;

/** What becomes of a request; undefined where nothing is to be changed. */
function rewrite(message: Uint8Array, rules: RewriteRules, keepsRefusals = false): RewrittenRequest | undefined {
  const batch = intake.scan(message, 'identity', { kind: 'prometheus', tenant });
  return rewriteRequest({ batch, tenant, keepsRefusals }, rules);
}

function seriesAfter(series: readonly SeriesInput[], rules: RewriteRules): SeenWrite | undefined {
  const rewritten = rewrite(encodeWriteRequest({ timeseries: series }), rules);
  return rewritten && readWrite(intake.scan(rewritten.message, 'identity', { kind: 'thanos' }));
}

describe('the split label', () => {
  const rules = { splitLabel: 'team' };

  test('names the tenant of its series, and leaves them', () => {
    const series = seriesOf(
      { __name__: 'up', team: 'a' },
      { __name__: 'down' },
      { __name__: 'up', team: 'b', z: '1' },
      { __name__: 'left', team: 'a' },
      { __name__: 'right', team: 'http' },
    );
    expect(seriesAfter(series, rules)).toEqual({
      a: ['__name__=up', '__name__=left'],
      http: ['__name__=down', '__name__=right'],
      b: ['__name__=up,z=1'],
    });
  });

  test('changes nothing where no series can have it', () => {
    expect(seriesAfter(seriesOf({ __name__: 'up' }), rules)).toBeUndefined();
  });

  test('does not split by an empty value, and then leaves empty labels alone', () => {
    expect(seriesAfter(seriesOf({ __name__: 'up', k: '', team: '' }), rules)).toEqual({
      http: ['__name__=up,k=,team='],
    });
  });

  test('takes empty labels along when it goes, and keeps the order', () => {
    const series = seriesOf({ z: '1', k: '', team: 'a', b: '2' });
    expect(seriesAfter(series, rules)).toEqual({ a: ['z=1,b=2'] });
  });

  test.each([
    '..',
    '.',
    'a/b',
    '/',
    'a\\b',
    'lost+found',
    'x'.repeat(256),
    Buffer.from('ff', 'hex').toString('latin1'),
  ])('fails the request when a value is no tenant: %j', (value) => {
    const labels = [['team', Buffer.from(value, 'latin1')]] as const;
    const series = [...seriesOf({ team: 'a' }), { labels, samples: [] }];
    expect(() => seriesAfter(series, rules)).toThrow(
      expect.objectContaining({
        code: 'SPLIT_TENANT_INVALID',
        httpStatus: 400,
        message: 'tenant name not valid: validation error',
      }),
    );
  });

  test('makes so many tenants of a request and no more', () => {
    const teams = (count: number): SeriesInput[] =>
      seriesOf(...Array.from({ length: count }, (_, i) => ({ __name__: 'up', team: `team-${i}` })));
    expect(Object.keys(seriesAfter(teams(tenantsMax), rules) ?? {})).toHaveLength(tenantsMax);
    expect(() => seriesAfter(teams(tenantsMax + 1), rules)).toThrow(
      expect.objectContaining({ code: 'SPLIT_TENANTS_TOO_MANY', httpStatus: 400 }),
    );
  });

  test('sees the labels that relabelling makes', () => {
    const relabel: RewriteRules['relabel'] = (labels) => [...labels, [Buffer.from('team'), Buffer.from('made')]];
    expect(seriesAfter(seriesOf({ __name__: 'up' }), { ...rules, relabel })).toEqual({ made: ['__name__=up'] });
  });
});

describe('relabelling', () => {
  test('drops series, and counts what was in them', () => {
    const relabel: RewriteRules['relabel'] = (labels) => (String(labels[0]?.[1]) === 'gone' ? undefined : labels);
    const series = seriesOf({ __name__: 'gone' }, { __name__: 'up' }, { __name__: 'gone' });
    const rewritten = rewrite(encodeWriteRequest({ timeseries: series }), { relabel });
    expect(rewritten).toMatchObject({ rowCount: 1, dropped: { samples: 2, histograms: 0, exemplars: 0 } });
    expect(seriesAfter(series, { relabel })).toEqual({ http: ['__name__=up'] });
  });

  test('may drop everything', () => {
    const rewritten = rewrite(encodeWriteRequest({ timeseries: seriesOf({ a: '1' }) }), { relabel: () => undefined });
    expect(rewritten).toMatchObject({ rowCount: 0, message: Buffer.alloc(0) });
  });

  test('does not make good what its version refuses, where it knows more reasons than labels show', () => {
    const message = encodeWriteRequest({ timeseries: seriesOf({ b: '1', a: '2' }, { a: '1' }) });
    const relabel: RewriteRules['relabel'] = (labels) => [...labels].reverse();
    const verdicts = [true, false].map((keepsRefusals) => {
      const rewritten = rewrite(message, { relabel }, keepsRefusals)!;
      return rowsOf(rewritten.message).map(({ verdict }) => verdict);
    });
    expect(verdicts).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });
});

const text = fc
  .oneof(fc.constantFrom('', 'a', 'team', '__name__'), fc.string({ maxLength: 200 }))
  .map((s) => Buffer.from(s));
const delimited = (field: number, content: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  // Lengths in more bytes than they need are sound, too.
  fc.tuple(content, fc.boolean()).map(([bytes, isLong]) => {
    const length = bytes.length;
    const size = isLong
      ? [(length & 127) | 128, (length >> 7) | 128, 0]
      : length < 128
        ? [length]
        : [(length & 127) | 128, length >> 7];
    return Buffer.from([field * 8 + 2, ...size, ...bytes]);
  });
const label = fc.tuple(delimited(1, text), delimited(2, text)).map((parts) => Buffer.concat(parts));
const sample = fc.bigInt(0n, 2n ** 64n - 1n).map((bits) => {
  const bytes = Buffer.from('09000000000000000010808080a8c933', 'hex');
  bytes.writeBigUInt64LE(bits, 1);
  return bytes;
});
const unknown = fc
  .constantFrom('f80105', 'c80c01', '7b0801780c7c', '5d01020304', '610102030405060708')
  .map((hex) => Buffer.from(hex, 'hex'));
const fields = fc.array(
  fc.oneof(
    delimited(1, label).map((bytes) => ({ isLabel: true, bytes })),
    fc
      .oneof(
        delimited(2, sample),
        delimited(3, fc.constant(Buffer.from('11000000000000f03f', 'hex'))),
        delimited(4, fc.constant(Buffer.from('080119000000000000f03f', 'hex'))),
        unknown,
      )
      .map((bytes) => ({ isLabel: false, bytes })),
  ),
  { maxLength: 8 },
);
const series = fields.map((all) => Buffer.concat(all.map(({ bytes }) => bytes)));
const request = fc.array(delimited(1, series), { minLength: 1, maxLength: 6 }).map((parts) => Buffer.concat(parts));

test('rules that change no label change no row, however oddly the series are written', () => {
  fc.assert(
    fc.property(request, (message) => {
      const batch = intake.scan(message, 'identity', { kind: 'prometheus', tenant });
      const rows = Array.from({ length: batch.rowCount }, (_, row) => readRow(batch, row));
      for (const relabel of [(labels: Row['labels']) => [...labels], (labels: Row['labels']) => labels]) {
        const rewritten = rewrite(message, { relabel })!;
        expect(rowsOf(rewritten.message).map(withoutBytes)).toEqual(rows.map(withoutBytes));
        const after = intake.scan(rewritten.message, 'identity', { kind: 'thanos' });
        expect(readGroup(after, 0)).toEqual({ tenant: Buffer.from(tenant), firstRow: 0, rowCount: rows.length });
      }
    }),
    { numRuns: 60 },
  );
});

test('what is not a label keeps its bytes and its order', () => {
  fc.assert(
    fc.property(fields, (all) => {
      const content = Buffer.concat(all.map(({ bytes }) => bytes));
      const rewritten = rewrite(seriesField(content), { relabel: () => [] })!;
      const kept = Buffer.concat(all.filter(({ isLabel }) => !isLabel).map(({ bytes }) => bytes));
      expect(rowsOf(rewritten.message)[0]!.series).toEqual(seriesField(kept));
    }),
    { numRuns: 100 },
  );
});

function rowsOf(message: Uint8Array): Row[] {
  const batch = intake.scan(message, 'identity', { kind: 'thanos' });
  return Array.from({ length: batch.rowCount }, (_, row) => readRow(batch, row));
}

function withoutBytes({ series: _, ...row }: Row): Omit<Row, 'series'> {
  return row;
}

function seriesField(content: Buffer): Buffer {
  const writer = new ByteWriter(8);
  writer.prefix(0x0a, content.length);
  writer.append(content);
  return writer.bytes;
}
