import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gatherBlocks } from './bucket-blocks.js';
import { textDifferences } from './every-sample.js';
import {
  blocksIn,
  flawsOf,
  leaveEverySample,
  readCopy,
  startStore,
  tenant,
  type Form,
  type Maker,
} from './exchange-store.js';
import { endToEnd } from './lab.js';

const heritages: readonly (readonly [writer: Maker, form: Form])[] = [
  ['gauntlet', 'blocks and log'],
  ['gauntlet', 'log alone'],
  ['prometheus', 'blocks and log'],
  ['prometheus', 'log alone'],
  ['thanos', 'blocks and log'],
  ['thanos', 'log alone'],
];

/** Only blocks of level 1 are shipped, as Thanos does: left alone, a Prometheus merges those of out-of-order samples with the others at once. */
const unmerged = ['--no-storage.tsdb.allow-overlapping-compaction'];

for (const [writer, form] of heritages) {
  endToEnd(
    `an ingester ships every kind of sample that a killed ${writer} has left, ${form}`,
    { needs: ['prometheus', 'thanos'], timeoutMs: 90_000 },
    async (lab) => {
      const { dir, kept } = await leaveEverySample(lab, writer, { form, flags: unmerged });
      const bucketDir = lab.folder('bucket');
      const opened = await startStore(lab, 'gauntlet', { name: 'opener', copyOf: dir, bucketDir });
      await opened.stop('SIGTERM');
      const shipped = lab.folder('shipped');
      gatherBlocks(bucketDir, { replica: 'opener', tenant_id: tenant }, shipped);
      const found = await readCopy(lab, shipped, 'reader');
      expect(textDifferences(kept.samples, found.samples)).toEqual([]);
      expect(await flawsOf(shipped)).toEqual([]);
    },
  );
}

for (const form of ['blocks and log', 'log alone'] as const) {
  endToEnd(
    `Thanos makes blocks of every kind of sample that a killed ingester has left, ${form}`,
    { needs: ['prometheus', 'thanos'], timeoutMs: 90_000 },
    async (lab) => {
      const { dir, kept } = await leaveEverySample(lab, 'gauntlet', { form });
      const opened = await startStore(lab, 'thanos', { name: 'opener', copyOf: dir });
      await opened.stop('SIGTERM');
      const whole = await readCopy(lab, opened.databaseDir, 'reader');
      expect(textDifferences(kept.samples, whole.samples)).toEqual([]);

      const blocks = lab.folder('blocks');
      mkdirSync(join(blocks, 'wal'));
      for (const id of blocksIn(opened.databaseDir))
        cpSync(join(opened.databaseDir, id), join(blocks, id), { recursive: true });
      const found = await readCopy(lab, blocks, 'reader-of-blocks');
      // At its end Thanos leaves the newest sample and those out of order in its logs.
      const left = new Set([...kept.late, newestOf(kept.samples)]);
      const expected = kept.samples.filter((text) => !left.has(text));
      expect(
        textDifferences(
          expected,
          found.samples.filter((text) => !left.has(text)),
        ),
      ).toEqual([]);
    },
  );
}

function newestOf(samples: readonly string[]): string | undefined {
  const timeOf = (text: string): number => Number(/\} (\d+) /.exec(text)?.[1]);
  return samples.reduce((newest, text) => (timeOf(text) > timeOf(newest) ? text : newest));
}
