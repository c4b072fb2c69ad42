import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareLabels, createUlid, labelsOf, ulidTimeMs, validateTenant } from './index.js';

test('the example of the README works', () => {
  const random = new Uint8Array(10);

  // <README>
  const tenant = validateTenant('team-1'); // TenantId, or an error of kind `rejected`
  const labels = labelsOf({ tenant_id: tenant, cluster: 'eu-1' }); // sorted by the bytes of the names
  const isBefore = compareLabels(labels, labelsOf({ cluster: 'eu-2' })) < 0;
  const blockId = createUlid(1_700_007_300_000, random);
  const madeMs = ulidTimeMs(blockId);
  // </README>

  expect([labels[0]?.name, isBefore, madeMs]).toEqual(['cluster', true, 1_700_007_300_000]);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
