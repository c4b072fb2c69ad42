import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { forEachMutation, type Mutation } from '@gauntlet/base/testing';
import { crc32c } from '@gauntlet/kernel';
import { MemoryVfs } from '@gauntlet/vfs/testing';
import { headerBytes, pageBytes, typeMask } from './fragment.js';
import {
  decodeExemplars,
  decodeHistograms,
  decodeMarkers,
  decodeMetadata,
  decodeSamples,
  decodeSamplesV2,
  decodeSeries,
  decodeTombstones,
  openWal,
  RecordType,
  recordType,
  repairWal,
  replayWal,
  type ReplayOptions,
  type ReplayResult,
} from './index.js';
import { diskWith, goldenFiles } from './testing/golden.js';

const isLong = process.env['GAUNTLET_LONG'] !== undefined;
const count = isLong ? 400 : 24;
if (isLong) jest.setTimeout(1_200_000);

type Files = Map<string, Buffer>;
interface Found {
  readonly text: string;
  /** The file that it ends in, as a path in the log, and where. */
  readonly file: string;
  readonly end: number;
}

const fileOf = (checkpoint: number | undefined, segment: number): string =>
  `${checkpoint === undefined ? '' : `checkpoint.${String(checkpoint).padStart(8, '0')}/`}${String(segment).padStart(8, '0')}`;

async function read(
  vfs: MemoryVfs,
  options: Partial<ReplayOptions>,
): Promise<{ readonly found: Found[]; readonly damage: ReplayResult['damage'] }> {
  const found: Found[] = [];
  const { damage, records } = await replayWal(vfs, '/wal', {
    onRecord: (record, at) => {
      const text = createHash('sha1').update(record).digest('base64');
      found.push({ text, file: fileOf(at.checkpoint, at.segment), end: at.offset });
    },
    ...options,
  });
  expect(records).toBe(found.length);
  return { found, damage };
}

/** Fragments and records keep their own checksums where a piece is moved as a whole. */
const movesPieces = /copied over|repeated|taken out/;
const textsOf = (found: readonly Found[]): string[] => found.map(({ text }) => text);

/** Every file of a log, damaged in turn: its records before the damage stay, none is invented, and where the damage lies is told. */
async function checkDamage(
  good: Files,
  options: Partial<ReplayOptions>,
  { file, mutation }: { file: string; mutation: Mutation },
) {
  const { found: whole } = await read(await diskWith(good, '/wal'), options);
  const changed = new Map(good).set(file, mutation.bytes);
  const vfs = await diskWith(changed, '/wal');
  const { found, damage } = await read(vfs, options);

  const old = good.get(file)!;
  let same = 0;
  while (same < old.length && old[same] === mutation.bytes[same]) same += 1;
  const damagedAt = whole.findIndex((one) => one.file === file && one.end > same);
  const kept = damagedAt === -1 ? whole.findLastIndex((one) => one.file === file) + 1 : damagedAt;
  expect(textsOf(found).slice(0, kept)).toEqual(textsOf(whole).slice(0, kept));

  if (!movesPieces.test(mutation.what)) {
    // The flags are under no checksum: each of up to three changes may make one record out of its compressed bytes, and the other way round.
    const known = new Set(textsOf(whole));
    expect(found.filter(({ text }) => !known.has(text)).length).toBeLessThanOrEqual(3);
  }
  if (damage !== undefined) {
    expect(fileOf(damage.checkpoint, damage.at.segment)).toBe(file);
    expect(damage.goodEnd).toBeLessThanOrEqual(damage.at.offset);
    expect(damage.at.offset).toBeLessThanOrEqual(Math.ceil(mutation.bytes.length / pageBytes) * pageBytes);
    expect(damage.then).toBeUndefined();
    await repairWal(vfs, '/wal', damage);
  }
  const again = await read(vfs, options);
  expect(again.damage).toBeUndefined();
  expect(textsOf(again.found)).toEqual(textsOf(found));
  const left = new Set([...(await filesBelow(vfs, '/wal'))].map((bytes) => bytes.toString('latin1')));
  for (const bytes of changed.values()) expect(left.has(bytes.toString('latin1'))).toBe(true);
}

async function filesBelow(vfs: MemoryVfs, dir: string): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (const { name, kind } of await vfs.readDir(dir)) {
    if (kind === 'directory') found.push(...(await filesBelow(vfs, `${dir}/${name}`)));
    else found.push(Buffer.from(await vfs.readFile(`${dir}/${name}`)));
  }
  return found;
}

const logs: readonly (readonly [what: string, path: string, options: Partial<ReplayOptions>])[] = [
  ['all kinds of records', 'good/all-records-none/wal', {}],
  ['snappy', 'good/all-records-snappy/wal', {}],
  ['Zstandard', 'good/all-records-zstd/wal', {}],
  ['page edges and long records', 'good/edges-64KiB-segments-none/wal', {}],
  ['a checkpoint', 'checkpoint/after/wal', {}],
  ['samples out of order', 'wbl/wbl', { fromSegment: 'first' }],
];

test.each(logs)(
  'a damaged log of %s keeps what is before the damage, tells where it is, and is repaired',
  async (_, path, options) => {
    const good = goldenFiles(path);
    const files = [...good.keys()].filter((name) => good.get(name)!.length > 0);
    for (const [i, file] of files.entries()) {
      const bytes = good.get(file)!;
      // Few changes would hit anything if they fell into the zeros of a last page.
      let to = bytes.length;
      while (to > 0 && bytes[to - 1] === 0) to -= 1;
      await forEachMutation(bytes, { seed: 1 + i * 100_000, count: Math.ceil(count / files.length), to }, (mutation) =>
        checkDamage(good, options, { file, mutation }),
      );
    }
  },
);

/** Makes the checksums of all fragments right for the bytes that are there. */
function sumUp(bytes: Buffer): void {
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const rest = pageBytes - (at % pageBytes);
    if (rest < headerBytes || (bytes[at]! & typeMask) === 0) {
      at += rest;
      continue;
    }
    const end = at + headerBytes + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return;
    bytes.writeUInt32BE(crc32c(bytes.subarray(at + headerBytes, end)), at + 3);
    at = end;
  }
}

const decoders = new Map<number, (record: Uint8Array) => unknown>([
  [RecordType.series, decodeSeries],
  [RecordType.samples, decodeSamples],
  [RecordType.tombstones, decodeTombstones],
  [RecordType.exemplars, decodeExemplars],
  [RecordType.markers, decodeMarkers],
  [RecordType.metadata, decodeMetadata],
  [RecordType.samplesV2, decodeSamplesV2],
  [RecordType.histograms, decodeHistograms],
  [RecordType.floatHistograms, decodeHistograms],
  [RecordType.customBucketHistograms, decodeHistograms],
  [RecordType.customBucketFloatHistograms, decodeHistograms],
  [RecordType.histogramsV2, decodeHistograms],
  [RecordType.floatHistogramsV2, decodeHistograms],
]);

test.each([...logs, ['start timestamps', 'good/all-records-v2-none/wal', {}] as const])(
  'a log of %s with right checksums over the damage ends where it no longer decodes',
  async (_, path, options) => {
    const good = goldenFiles(path);
    const [file, bytes] = [...good].find(([, content]) => content.length > 0)!;
    await forEachMutation(bytes, { count, keepsLength: true, repair: sumUp }, async (mutation) => {
      const vfs = await diskWith(new Map(good).set(file, mutation.bytes), '/wal');
      const decodes = (record: Uint8Array): void => void decoders.get(recordType(record))?.(record);
      const { damage, records } = await replayWal(vfs, '/wal', { ...options, onRecord: decodes });
      if (damage === undefined) return;
      expect(fileOf(damage.checkpoint, damage.at.segment)).toBe(file);
      await repairWal(vfs, '/wal', damage);
      const again = await replayWal(vfs, '/wal', { ...options, onRecord: decodes });
      expect([again.damage, again.records]).toEqual([undefined, records]);
    });
  },
);

test('records of any size come back as they were, compressed and not, whatever pages and segments they lie across', async () => {
  const record = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.tuple(fc.nat(70_000), fc.nat(255)).map(([length, byte]) => new Uint8Array(length).fill(byte)),
    // What leaves a page with room for no header, or just for one.
    fc.integer({ min: pageBytes - 30, max: pageBytes + 5 }).map((length) => new Uint8Array(length).fill(length)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 12 }), fc.boolean(), fc.nat(3), async (records, compress, rolls) => {
      const vfs = new MemoryVfs();
      const wal = await openWal(vfs, '/wal', { compress, segmentBytesMax: 2 * pageBytes });
      for (const [i, one] of records.entries()) {
        wal.append([one]);
        if (i % 4 < rolls) await wal.roll();
      }
      await wal.close();
      const found: Buffer[] = [];
      const { damage } = await replayWal(vfs, '/wal', { onRecord: (bytes) => void found.push(Buffer.from(bytes)) });
      expect(damage).toBeUndefined();
      expect(found.length).toBe(records.length);
      records.forEach((one, i) => {
        expect(found[i]!.equals(one)).toBe(true);
      });
    }),
    { numRuns: isLong ? 2000 : 60 },
  );
});
