import { textDifferences } from './every-sample.js';
import {
  dumpDifferences,
  flawsOf,
  leaveEverySample,
  readCopy,
  startStore,
  type Form,
  type Maker,
} from './exchange-store.js';
import { endToEnd } from './lab.js';

const exchanges: readonly (readonly [writer: Maker, opener: Maker, form: Form])[] = [
  ['gauntlet', 'prometheus', 'blocks and log'],
  ['gauntlet', 'prometheus', 'log alone'],
  ['gauntlet', 'thanos', 'blocks and log'],
  ['gauntlet', 'thanos', 'log alone'],
  ['prometheus', 'gauntlet', 'blocks and log'],
  ['prometheus', 'gauntlet', 'log alone'],
  ['thanos', 'gauntlet', 'blocks and log'],
  ['thanos', 'gauntlet', 'log alone'],
  ['gauntlet', 'gauntlet', 'blocks and log'],
  // Shows that the test asks for no more than the real ones do.
  ['thanos', 'prometheus', 'blocks and log'],
];

for (const [writer, opener, form] of exchanges) {
  endToEnd(
    `${opener} opens what a killed ${writer} leaves, ${form}, with every kind of sample: killed in turn, it leaves the same`,
    { needs: ['prometheus', 'promtool', 'thanos'], timeoutMs: 90_000 },
    async (lab) => {
      const { dir, kept } = await leaveEverySample(lab, writer, { form });
      expect(await dumpDifferences(dir)).toEqual([]);
      const opened = await startStore(lab, opener, { name: 'opener', copyOf: dir });
      await opened.stop('SIGKILL');
      const found = await readCopy(lab, opened.databaseDir, 'reader');
      expect(textDifferences(kept.samples, found.samples)).toEqual([]);
      expect(textDifferences(kept.exemplars, found.exemplars)).toEqual([]);
      expect(await dumpDifferences(opened.databaseDir)).toEqual([]);
      if (opener === 'gauntlet') expect(await flawsOf(opened.databaseDir)).toEqual([]);
    },
  );
}
