import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRelabelConfig, relabel, type LabelBytes } from './index.js';

test('the example of the README works', () => {
  // <README>
  const rules = parseRelabelConfig(`
  - {source_labels: [__name__], regex: "dropme.*", action: drop}
  - {regex: secret, action: labeldrop}
  - {source_labels: [zone], regex: "(.*)-(.*)", target_label: region, replacement: "$1"}
  `);
  const bytes = (record: Record<string, string>): LabelBytes[] =>
    Object.entries(record).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
  const labels = relabel(rules, bytes({ __name__: 'up', secret: 'x', zone: 'eu-west' })); // __name__="up", region="eu", zone="eu-west"
  const dropped = relabel(rules, bytes({ __name__: 'dropme_total' })); // undefined
  // </README>

  expect(labels?.map(([name, value]) => `${String(name)}=${String(value)}`)).toEqual([
    '__name__=up',
    'region=eu',
    'zone=eu-west',
  ]);
  expect(dropped).toBeUndefined();
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
