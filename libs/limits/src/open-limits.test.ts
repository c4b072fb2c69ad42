import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, type Log } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import {
  LimitsConfigError,
  LimitsFileError,
  openLimits,
  silentLimitsObserver,
  type Fetch,
  type LimitsObserver,
} from './index.js';
import { queryIntervalMs, queryTimeoutMs } from './head-series-loop.js';
import { absentRoundsMax, failedRoundsMax } from './series-counts.js';
import { HandClock } from './testing/hand-clock.js';
import { vectorOf } from './testing/meta-monitoring-server.js';

let dir: string;
let file: string;
const opened: { stop(): void }[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'limits-'));
  file = join(dir, 'limits.yaml');
});
afterEach(async () => {
  for (const limits of opened.splice(0)) limits.stop();
  await rm(dir, { recursive: true });
});

/** The configuration of the recorded cases, and what meta-monitoring says there. */
const recorded = `
write:
  global: {max_concurrency: 4, meta_monitoring_url: "http://meta", meta_monitoring_limit_query: limit_query}
  default:
    request: {size_bytes_limit: 1000, series_limit: 5, samples_limit: 8}
    head_series_limit: 10
  tenants:
    roomy: {request: {series_limit: 20}}
    free: {request: {size_bytes_limit: -1, series_limit: 0, samples_limit: 0}, head_series_limit: 0}
    free2: {request: {size_bytes_limit: 0, series_limit: 0, samples_limit: 3}, head_series_limit: 0}
    zero: {request: {size_bytes_limit: 0, series_limit: 0, samples_limit: 0}}
    "glob-*": {request: {series_limit: 100}}
    full: {head_series_limit: 50}
`;
const recordedSeries = { crowded: 100, full: 50, sparse: 3 };

class Lab {
  readonly clock = new HandClock();
  readonly events: string[] = [];
  readonly lines: string[] = [];
  series: Record<string, number> | Error = {};
  queries = 0;
  readonly observer: LimitsObserver = {
    ...silentLimitsObserver,
    configRead: (result) => this.events.push(result),
    headSeriesRefused: (tenant) => this.events.push(`refused ${tenant}`),
    metaMonitoringFailed: () => this.events.push('query failed'),
  };
  readonly log: Log = {
    ...silentLog,
    error: (message, fields) => this.lines.push(JSON.stringify({ message, fields })),
  };
  readonly fetch: Fetch = () => {
    this.queries += 1;
    const { series } = this;
    return series instanceof Error ? Promise.reject(series) : Promise.resolve(Buffer.from(vectorOf(series)));
  };

  async open(source: Parameters<typeof openLimits>[0]['source'], fetch = this.fetch) {
    const { clock, log, observer } = this;
    const limits = await openLimits({ source, clock, log, observer, fetch });
    opened.push(limits);
    return limits;
  }

  /** Lets the file be read once. */
  async reload(content?: string): Promise<void> {
    if (content !== undefined) await writeFile(file, content);
    const { sleeping } = this.clock;
    this.clock.advance(1000);
    await until(() => this.clock.sleeping === sleeping, { what: 'the next poll' });
  }

  /** Lets a round of meta-monitoring end. */
  async round(): Promise<void> {
    const next = this.queries + 1;
    this.clock.advance(queryIntervalMs);
    await until(() => this.queries >= next, { what: 'a query' });
    await new Promise(setImmediate);
  }
}

test('without a source there are no limits', async () => {
  const limits = await new Lab().open(undefined);
  expect(limits.forTenant('a')).toEqual({ bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 });
  expect([limits.headSeriesRefusal('a'), limits.takeSamples('a', 1e9), limits.activeSeriesMax('a')]).toEqual([
    undefined,
    0,
    0,
  ]);
  (await limits.enter(new AbortController().signal))();
});

test('tenants have the limits that were recorded', async () => {
  const limits = await new Lab().open({ content: recorded });
  const of = (tenant: string): number[] => Object.values(limits.forTenant(tenant));
  expect(of('anybody')).toEqual([1000, 5, 8]);
  expect(of('roomy')).toEqual([1000, 20, 8]);
  expect(of('free')).toEqual([0, 0, 0]);
  expect(of('free2')).toEqual([0, 0, 3]);
  expect(of('full')).toEqual([1000, 5, 8]);
  expect(of('glob-x')).toEqual([1000, 5, 8]); // Names are exact.
  expect(of('glob-*')).toEqual([1000, 100, 8]);
  expect(of('__proto__')).toEqual([1000, 5, 8]);
});

describe('head series', () => {
  const refusal = 'tenant is above active series limit';

  test('are limited as recorded: at the limit a tenant is refused, and an unknown one is not', async () => {
    const lab = new Lab();
    lab.series = recordedSeries;
    const limits = await lab.open({ content: recorded });
    await until(() => limits.headSeriesRefusal('crowded') !== undefined);
    lab.events.length = 0;
    const of = (tenant: string): string | undefined => limits.headSeriesRefusal(tenant);
    expect([of('crowded'), of('full'), of('sparse'), of('unseen')]).toEqual([refusal, refusal, undefined, undefined]);
    expect(lab.events).toEqual(['refused crowded', 'refused full']);
  });

  test('are asked for at once and every 15 s; known numbers survive failures for a while, and absent tenants expire', async () => {
    const lab = new Lab();
    lab.series = recordedSeries;
    const limits = await lab.open({ content: recorded });
    await until(() => limits.headSeriesRefusal('crowded') === refusal);
    expect(lab.queries).toBe(1);
    lab.series = { full: 60 };
    for (let round = 1; round < absentRoundsMax; round += 1) await lab.round();
    expect(limits.headSeriesRefusal('crowded')).toBe(refusal);
    await lab.round();
    expect(limits.headSeriesRefusal('crowded')).toBeUndefined();
    lab.series = new Error('down');
    for (let round = 1; round < failedRoundsMax; round += 1) await lab.round();
    expect(limits.headSeriesRefusal('full')).toBe(refusal);
    await lab.round();
    expect(limits.headSeriesRefusal('full')).toBeUndefined();
    expect(lab.events.filter((event) => event === 'query failed').length).toBe(failedRoundsMax);
    expect(lab.lines.length).toBe(1); // The same failure is one line.
  });

  test('follow the file: numbers outlive a reload, and limits that are gone refuse nobody', async () => {
    const lab = new Lab();
    lab.series = recordedSeries;
    await writeFile(file, recorded);
    const limits = await lab.open({ file, reloadMs: 1000 });
    await until(() => limits.headSeriesRefusal('full') === refusal);
    await lab.reload(recorded.replace('head_series_limit: 50', 'head_series_limit: 40'));
    expect(limits.headSeriesRefusal('full')).toBe(refusal);
    expect(lab.queries).toBe(1);
    await lab.reload(recorded.replace('head_series_limit: 50', 'head_series_limit: 60'));
    expect(limits.headSeriesRefusal('full')).toBeUndefined();
    expect(limits.headSeriesRefusal('crowded')).toBe(refusal);
    await writeFile(file, 'write: {}');
    lab.clock.advance(1000);
    await until(() => limits.headSeriesRefusal('crowded') === undefined);
    expect(lab.clock.sleeping).toBe(1); // Only the file is looked at.
    await writeFile(file, recorded);
    await until(() => lab.clock.sleeping === 1);
    lab.clock.advance(1000);
    await until(() => limits.headSeriesRefusal('crowded') === refusal);
    expect(lab.queries).toBe(2);
  });

  test('are asked for again at once when the query changes', async () => {
    const lab = new Lab();
    await writeFile(file, recorded);
    await lab.open({ file, reloadMs: 1000 });
    await until(() => lab.queries === 1 && lab.clock.sleeping === 2);
    await writeFile(file, recorded.replace('limit_query}', 'other_query}'));
    lab.clock.advance(1000);
    await until(() => lab.queries === 2);
  });

  test('a query that does not end is given up', async () => {
    const lab = new Lab();
    const hangs: Fetch = (_url, _client, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    await lab.open({ content: recorded }, hangs);
    lab.clock.advance(queryTimeoutMs);
    await until(() => lab.events.includes('query failed'));
    expect(lab.lines[0]).toContain('no answer within 10000 ms');
  });
});

describe('the file', () => {
  test('is followed; content that is bad keeps the limits, and counts once as an error', async () => {
    const lab = new Lab();
    await writeFile(file, 'write: {default: {request: {series_limit: 1}}}');
    const limits = await lab.open({ file, reloadMs: 1000 });
    expect(limits.forTenant('a').seriesMax).toBe(1);
    expect(lab.events).toEqual(['applied']);
    await lab.reload();
    expect(lab.events).toEqual(['applied']);
    await lab.reload('write: {default: {request: {series_limit: 2}}}');
    expect(limits.forTenant('a').seriesMax).toBe(2);
    await lab.reload('write: [');
    await lab.reload();
    expect(limits.forTenant('a').seriesMax).toBe(2);
    expect(lab.events).toEqual(['applied', 'applied', 'failed']);
    expect(lab.lines.length).toBe(1);
    await rm(file);
    await lab.reload();
    await lab.reload();
    expect(limits.forTenant('a').seriesMax).toBe(2);
    expect(lab.events.slice(3)).toEqual(['failed']);
    expect(lab.lines[1]).toContain('no such file or directory');
    await lab.reload('write: {default: {request: {series_limit: 3}}}');
    expect(limits.forTenant('a').seriesMax).toBe(3);
    limits.stop();
    await until(() => lab.clock.sleeping === 0);
  });

  test('must be there and good at the start', async () => {
    await expect(new Lab().open({ file, reloadMs: 1000 })).rejects.toThrow(LimitsFileError);
    await expect(new Lab().open({ file: dir, reloadMs: 1000 })).rejects.toThrow(LimitsFileError);
    await symlink('/dev/zero', `${file}.endless`);
    await expect(new Lab().open({ file: `${file}.endless`, reloadMs: 1000 })).rejects.toThrow('it is no regular file');
    await writeFile(file, 'nope: 1');
    await expect(new Lab().open({ file, reloadMs: 1000 })).rejects.toThrow(LimitsConfigError);
    await expect(new Lab().open({ content: 'write: [' })).rejects.toThrow(
      /yaml: line 1: did not find expected node content/,
    );
  });

  test('changes rates and the gate while requests are under way', async () => {
    const lab = new Lab();
    await writeFile(file, 'write: {global: {max_concurrency: 1}, default: {rate: {samples_per_second: 10}}}');
    const limits = await lab.open({ file, reloadMs: 1000 });
    const { signal } = new AbortController();
    const leave = await limits.enter(signal);
    const passed: string[] = [];
    void limits.enter(signal).then(() => passed.push('second'));
    expect([limits.takeSamples('a', 10), limits.takeSamples('a', 10)]).toEqual([0, 1000]);
    await lab.reload('write: {}');
    await until(() => passed.length === 1);
    expect(limits.takeSamples('a', 1e6)).toBe(0);
    leave();
  });
});
