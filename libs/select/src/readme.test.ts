import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalLabels, labelsOf } from '@gauntlet/model';
import { compileMatcher, createOverlay, mergeSources, prepareMatchers } from './index.js';
import { ModelStore, stillPace } from './testing/index.js';

test('the example of the README works', async () => {
  const chunk = { minTimeMs: 0, maxTimeMs: 60_000, encoding: 1, data: new Uint8Array(2) };
  const head = new ModelStore([{ labels: labelsOf({ __name__: 'up', job: 'api', replica: '1' }), chunks: [chunk] }]);
  const block = new ModelStore([{ labels: labelsOf({ __name__: 'up', job: 'node' }), chunks: [chunk] }]);

  // <README>
  const external = labelsOf({ cluster: 'eu-1', tenant_id: 'team-a' });
  const asked = [compileMatcher('=~', 'cluster', 'eu-.*'), compileMatcher('=', '__name__', 'up')];
  const matchers = prepareMatchers(asked, external); // 'none', or what is left to ask of stored labels
  if (matchers === 'none') return;
  const selection = {
    ...{ matchers, overlay: createOverlay(external, ['replica']), pace: stillPace },
    ...{ minTimeMs: 0, maxTimeMs: Infinity, limit: 0, skipChunks: false },
  };
  const sources = await Promise.all([head, block].map((store) => store.select(selection)));
  const merged = mergeSources(sources, { chunks: 'join' });
  const series = await merged.next(); // its labels are { __name__="up", cluster="eu-1", job="api", tenant_id="team-a" }
  merged.close();
  // </README>

  expect(series?.labels).toEqual(
    canonicalLabels(labelsOf({ __name__: 'up', cluster: 'eu-1', job: 'api', tenant_id: 'team-a' })),
  );
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
