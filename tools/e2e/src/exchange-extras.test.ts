import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMetadata, decodeSeries, RecordType, recordType, replayWal } from '@gauntlet/wal';
import { nodeVfs } from '@gauntlet/vfs';
import { textDifferences } from './every-sample.js';
import {
  dumpDifferences,
  flawsOf,
  leaveEverySample,
  readCopy,
  startStore,
  type Form,
  type Store,
} from './exchange-store.js';
import { endToEnd, waitFor } from './lab.js';
import { writeDescribed } from './remote-write-client.js';

interface Extra {
  readonly form: Form;
  readonly says: string;
  readonly features: readonly string[];
  /** All of them have to be in its log, or this would show nothing. */
  readonly records: readonly (keyof typeof RecordType)[];
}

/** What makes a Prometheus write what an ingester never does. */
const extras: readonly Extra[] = [
  {
    form: 'blocks and log',
    says: 'metadata, deletions and zstd',
    features: [],
    records: ['series', 'samples', 'metadata', 'exemplars', 'histograms'],
  },
  {
    form: 'log alone',
    says: 'metadata, deletions, zstd and start times',
    features: ['st-storage', 'xor2-encoding'],
    records: ['series', 'samplesV2', 'histogramsV2', 'floatHistogramsV2', 'metadata', 'exemplars', 'tombstones'],
  },
];

for (const { form, says, features, records } of extras) {
  endToEnd(
    `an ingester opens what a killed Prometheus leaves, ${form}, with ${says}: deleted stays deleted, metadata outlives a checkpoint`,
    { needs: ['prometheus', 'promtool'], timeoutMs: 90_000 },
    async (lab) => {
      const deleted = { series: 'steady-1', fromMs: Date.now() - 50_000, toMs: Date.now() - 5_000 };
      const { dir, kept } = await leaveEverySample(lab, 'prometheus', {
        form,
        features: ['metadata-wal-records', ...features],
        flags: ['--storage.tsdb.wal-compression-type=zstd', '--web.enable-admin-api'],
        afterStart: (store) => describeSeries(store, { from: 0, to: 2, help: 'First', atMs: Date.now() - 61_000 }),
        async beforeEnd(store) {
          await deleteSamples(store, deleted);
          // So new that they outlive every cut, and that the tenant is not taken for one that nobody writes to.
          const atMs = Date.now() + 60_000;
          await describeSeries(store, { from: 0, to: 4, help: 'First', atMs });
          await describeSeries(store, { from: 2, to: 6, help: 'Last', atMs: atMs + 1 });
        },
      });
      const before = await readLog(dir);
      for (const type of records) expect(before.types).toContain(RecordType[type]);
      expect(textDifferences(descriptions, before.descriptions)).toEqual([]);
      expect(await dumpDifferences(dir)).toEqual([]);

      // Every start adds a segment to the log, and a checkpoint stands for several.
      let soFar = dir;
      for (const name of ['first-opener', 'second-opener', 'third-opener']) {
        const store = await startStore(lab, 'gauntlet', { name, copyOf: soFar });
        await store.stop('SIGKILL');
        soFar = store.databaseDir;
      }
      // With short blocks it cuts what it has found, and replaces the log by a checkpoint.
      const last = await startStore(lab, 'gauntlet', { name: 'opener', copyOf: soFar, block: '10s' });
      await waitFor(() => checkpointsIn(last.databaseDir).some((name) => !checkpointsIn(dir).includes(name)), {
        timeoutMs: 60_000,
        what: 'a checkpoint',
      });
      await last.stop('SIGKILL');
      const expected = kept.samples.filter((text) => !isDeleted(text, deleted));
      expect(expected.length).toBeLessThan(kept.samples.length);
      const found = await readCopy(lab, last.databaseDir, 'reader');
      expect(textDifferences(expected, found.samples)).toEqual([]);
      expect(await dumpDifferences(last.databaseDir)).toEqual([]);
      expect(await flawsOf(last.databaseDir)).toEqual([]);
      const after = await readLog(last.databaseDir);
      expect(textDifferences(descriptions, after.descriptions)).toEqual([]);
    },
  );
}

const checkpointsIn = (dir: string): string[] =>
  readdirSync(join(dir, 'wal')).filter((name) => /^checkpoint\.\d+$/.test(name));

/** What is left said of each series, the same or something else than at first. */
const descriptions = ['First', 'First', 'Last', 'Last', 'Last', 'Last'].map(
  (help, at) => `described_${at}_total [1,"seconds","${help} help of ${at}"]`,
);

async function describeSeries(
  { http }: Store,
  { from, to, help, atMs }: { from: number; to: number; help: string; atMs: number },
): Promise<void> {
  const samples = Array.from({ length: to - from }, (_, index) => ({
    name: `described_${from + index}_total`,
    job: 'described',
    timestampMs: atMs,
    value: index,
    type: 1,
    help: `${help} help of ${from + index}`,
    unit: 'seconds',
  }));
  expect(await writeDescribed(`http://${http}/api/v1/write`, samples)).toEqual({ status: 204, text: '' });
}

interface Deletion {
  readonly series: string;
  readonly fromMs: number;
  readonly toMs: number;
}

async function deleteSamples({ http }: Store, { series, fromMs, toMs }: Deletion): Promise<void> {
  const query = new URLSearchParams({
    'match[]': `{series="${series}"}`,
    start: String(fromMs / 1000),
    end: String(toMs / 1000),
  }).toString();
  const { status } = await fetch(`http://${http}/api/v1/admin/tsdb/delete_series?${query}`, { method: 'POST' });
  expect(status).toBe(204);
}

function isDeleted(text: string, { series, fromMs, toMs }: Deletion): boolean {
  const timestampMs = Number(/\} (\d+) /.exec(text)?.[1]);
  return text.includes(`series="${series}"`) && timestampMs >= fromMs && timestampMs <= toMs;
}

/** Types of records in a log, and what it says last about each metric. */
async function readLog(dir: string): Promise<{ types: Set<number>; descriptions: string[] }> {
  const types = new Set<number>();
  const names = new Map<number, string>();
  const described = new Map<string, string>();
  const { damage } = await replayWal(nodeVfs, join(dir, 'wal'), {
    onRecord(record) {
      types.add(recordType(record));
      if (recordType(record) === RecordType.series)
        for (const { ref, labels } of decodeSeries(record))
          names.set(ref, labels.find(({ name }) => name === '__name__')?.value ?? '');
      if (recordType(record) === RecordType.metadata)
        for (const { ref, type, unit, help } of decodeMetadata(record))
          described.set(names.get(ref) ?? `unknown series ${ref}`, JSON.stringify([type, unit, help]));
    },
  });
  expect(damage).toBeUndefined();
  return { types, descriptions: [...described].map(([name, text]) => `${name} ${text}`).sort() };
}
