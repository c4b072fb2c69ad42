import { forEachMutation } from '@gauntlet/base/testing';
import { createHead, type Head } from '@gauntlet/head';
import { createIntake, MessageError, readRow, type MessageSchema, type ScannedBatch } from '@gauntlet/kernel';
import {
  encodeThanosWriteRequest,
  encodeWriteRequest,
  encodeWriteRequestV2,
  type SeriesInput,
} from '@gauntlet/remote-write';
import type { Tsdb } from '@gauntlet/tsdb';
import { writeGroups, type GroupOutcome } from './write-groups.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
if (isLong) jest.setTimeout(600_000);

const t0 = 1_780_000_000_000;
const intake = createIntake({ messageBytesMax: 1 << 24 });

/** A head for each tenant, which may have a few series. */
class Heads {
  readonly keepsExemplars = true;
  readonly heads = new Map<string, Head>();

  get(tenant: string): Tsdb | undefined {
    const head = this.heads.get(tenant);
    if (head === undefined) return undefined;
    const append = (batch: ScannedBatch, group: number) => ({
      ...head.append(batch, group, { timestampMsMax: t0 + 1000, seriesMax: 4 }),
      committed: Promise.resolve(),
    });
    return { append } as unknown as Tsdb;
  }

  open(tenant: string): Promise<Tsdb> {
    this.heads.set(tenant, createHead({ chunkRangeMs: 7_200_000, exemplarsMax: 10 }));
    return Promise.resolve(this.get(tenant)!);
  }
}

const exemplar = (id: string) => ({
  labels: [[Buffer.from('id'), Buffer.from(id)] as const],
  bits: 1n,
  timestampMs: BigInt(t0),
});
const timeseries: SeriesInput[] = [
  ...['a', 'b', 'c', 'a'].map((name, i): SeriesInput => ({
    labels: [
      ['__name__', name],
      ['job', 'api'],
    ],
    samples: [0, 1, 1, 0, 5000].map((ms) => ({ timestampMs: t0 + ms * (i + 1), value: i })),
    exemplars: [exemplar('x'), exemplar('y'.repeat(129))],
  })),
  {
    labels: [
      ['b', '1'],
      ['a', '1'],
    ],
    samples: [{ timestampMs: t0, value: 1 }],
  },
  { labels: [['a', '']], samples: [{ timestampMs: t0, value: 1 }] },
  ...['d', 'e', 'f'].map((name): SeriesInput => ({
    labels: [['__name__', name]],
    samples: [{ timestampMs: t0, value: 1 }],
  })),
];

/** What was refused lies within what the rows hold, no item twice, and what was written is the rest. */
function expectConsistent(batch: ScannedBatch, outcomes: readonly GroupOutcome[]): void {
  const seen = new Set<string>();
  let refused = 0;
  for (const { rejections, offenders, tenant } of outcomes) {
    expect(offenders.length > 0).toBe(rejections.length > 0);
    for (const offender of offenders) expect(offender.tenant).toBe(tenant);
    for (const { series, item, first, count } of rejections) {
      const row = readRow(batch, series);
      const held = {
        series: 1,
        sample: row.samples.length,
        histogram: row.histogramCount,
        exemplar: row.exemplarCount,
      }[item];
      expect(first + count).toBeLessThanOrEqual(held);
      expect((row.verdict !== 0) === (item === 'series')).toBe(true);
      for (let at = first; at < first + count; at += 1) seen.add(`${series} ${item} ${at}`);
      refused += count;
    }
  }
  expect(seen.size).toBe(refused);
  let samples = 0;
  for (let row = 0; row < batch.rowCount; row += 1) {
    const { verdict, samples: held } = readRow(batch, row);
    samples += verdict === 0 ? held.length : 0;
  }
  const refusedSamples = [...seen].filter((item) => item.includes(' sample ')).length;
  const written = outcomes.reduce((sum, { counts }) => sum + (counts?.written.samples ?? 0), 0);
  // A name that cannot be a tenant's keeps its series out of both.
  if (outcomes.every(({ failure }) => failure === undefined)) expect(written + refusedSamples).toBe(samples);
}

test.each<[string, MessageSchema, Buffer]>([
  ['remote write 1.0', { kind: 'prometheus', tenant: 't' }, encodeWriteRequest({ timeseries })],
  ['remote write 2.0', { kind: 'prometheus-v2', tenant: 't' }, encodeWriteRequestV2({ timeseries })],
  [
    'a router',
    { kind: 'thanos', routeHashes: false },
    encodeThanosWriteRequest({
      tenants: [
        { tenant: 'a', timeseries },
        { tenant: 'b', timeseries: timeseries.slice(3) },
      ],
    }),
  ],
])('whatever comes by %s, all of it is either stored or told of', async (_from, schema, good) => {
  const check = async (bytes: Uint8Array): Promise<boolean> => {
    const scan = (): ScannedBatch => intake.scan(bytes, 'identity', schema);
    try {
      const outcomes = await writeGroups(scan, new Heads(), { withCounts: true });
      expectConsistent(scan(), outcomes);
      return true;
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return false;
    }
  };
  expect(await check(good)).toBe(true);
  let taken = 0;
  await forEachMutation(good, { count: isLong ? 20_000 : 250 }, async ({ bytes }) => {
    if (await check(bytes)) taken += 1;
  });
  expect(taken).toBeGreaterThan(20);
});
