import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog, systemClock } from '@gauntlet/base';
import { openLimits, silentLimitsObserver } from './index.js';

test('the example of the README works', async () => {
  const environment = { clock: systemClock, log: silentLog, observer: silentLimitsObserver };
  const { signal } = new AbortController();

  // <README>
  const content = `
  write:
    global: {max_concurrency: 30}
    default: {request: {series_limit: 5000}, rate: {samples_per_second: 1000, burst: 3000}}
    tenants: {team-a: {request: {series_limit: 0}}}
  `;
  const limits = await openLimits({ source: { content }, ...environment }); // or { file, reloadMs: 1000 }
  const leave = await limits.enter(signal);
  const seriesMax = ['team-a', 'team-b'].map((tenant) => limits.forTenant(tenant).seriesMax); // 0 (none), 5000
  const waits = [3000, 500].map((samples) => limits.takeSamples('team-b', samples)); // 0 (taken), about 500 ms
  leave();
  limits.stop();
  // </README>

  expect(seriesMax).toEqual([0, 5000]);
  expect(waits[0]).toBe(0);
  expect(waits[1]).toBeGreaterThan(400);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]!.split('  // </README>')[0]!;
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
