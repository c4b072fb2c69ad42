import { parseArgs } from 'node:util';
import { type RemoteWriteVersion } from './body-layout.js';
import { labelsPerSeriesDefault, labelsPerSeriesMax, labelsPerSeriesMin } from './series-labels.js';

export interface LoadArguments {
  readonly url: URL;
  readonly version: RemoteWriteVersion;
  readonly series: number;
  readonly labelsPerSeries: number;
  readonly seriesPerRequest: number;
  readonly samplesPerSeries: number;
  readonly connections: number;
  readonly durationMs: number;
  readonly warmUpRounds: number;
  readonly samplesPerSecondMax: number | undefined;
  readonly tenants: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly json: boolean;
}

/** Thrown with one line for the user. */
export class BadArgument extends Error {}

export const loadUsage = `Sends remote write 1.0 or 2.0 to any URL and measures the answers.

  npm run load -- --url http://127.0.0.1:19291/api/v1/receive [options]

  --url URL                  where to POST; required
  --remote-write VERSION     1.0 or 2.0, default 1.0; a success of 2.0 counts only if it tells of all samples as written
  --series N                 how many series, default 10000 (also 10k, 1m)
  --labels N                 labels of each series, ${labelsPerSeriesMin} to ${labelsPerSeriesMax}, default ${labelsPerSeriesDefault} (about 420 bytes)
  --series-per-request N     default 2000
  --samples-per-series N     samples of each series in a request, default 1
  --samples-per-request N    instead of --series-per-request: series in a request = N / samples-per-series
  --connections N            requests under way at once, default 4
  --duration TIME            500ms, 30s, 5m; default 10s
  --warm-up N                rounds over all series before the clock starts, default 1; measured apart, as the first creates the series
  --rate N                   samples per second at most; default as fast as answers come
  --tenants N                spread over tenant-0 to tenant-(N-1) by THANOS-TENANT; default none is named
  --header 'NAME: VALUE'     another request header; may be repeated
  --pid NAME=PID             a process on this machine to measure: CPU seconds and resident memory; may be repeated
  --json                     print the summary as JSON
  --help                     print this

All bodies are encoded and compressed before the clock starts, at about 110 bytes of memory per sample of one round. While it runs, values and
timestamps are written into the compressed bodies, so there is no limit on rounds. Timestamps follow the clock and move on every round.
Ctrl-C prints the summary so far.`;

const options = {
  url: { type: 'string' },
  'remote-write': { type: 'string', default: '1.0' },
  series: { type: 'string', default: '10000' },
  labels: { type: 'string', default: String(labelsPerSeriesDefault) },
  'series-per-request': { type: 'string' },
  'samples-per-request': { type: 'string' },
  'samples-per-series': { type: 'string', default: '1' },
  connections: { type: 'string', default: '4' },
  duration: { type: 'string', default: '10s' },
  'warm-up': { type: 'string', default: '1' },
  rate: { type: 'string' },
  tenants: { type: 'string', default: '0' },
  header: { type: 'string', multiple: true, default: [] as string[] },
  pid: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** `help` when the usage is asked for. Throws `BadArgument` with one line that names the flag and what was given. */
export function parseLoadArguments(args: readonly string[]): LoadArguments | 'help' {
  const { values } = strictly(() => parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  if (values.help) return 'help';
  const samplesPerSeries = parseCount('--samples-per-series', values['samples-per-series'], 1, 1000);
  return {
    url: parseUrl(values.url),
    version: parseVersion(values['remote-write']),
    series: parseCount('--series', values.series, 1, 20_000_000),
    labelsPerSeries: parseCount('--labels', values.labels, labelsPerSeriesMin, labelsPerSeriesMax),
    seriesPerRequest: seriesPerRequest(values, samplesPerSeries),
    samplesPerSeries,
    connections: parseCount('--connections', values.connections, 1, 1000),
    durationMs: parseDurationMs('--duration', values.duration),
    warmUpRounds: parseCount('--warm-up', values['warm-up'], 0, 1000),
    samplesPerSecondMax: values.rate === undefined ? undefined : parseCount('--rate', values.rate, 1, 1_000_000_000),
    tenants: Array.from(
      { length: parseCount('--tenants', values.tenants, 0, 100_000) },
      (_, index) => `tenant-${index}`,
    ),
    headers: Object.fromEntries(values.header.map(parseHeader)),
    processes: values.pid.map(parseProcess),
    json: values.json,
  };
}

function seriesPerRequest(
  values: { 'series-per-request'?: string | undefined; 'samples-per-request'?: string | undefined },
  samplesPerSeries: number,
): number {
  const series = values['series-per-request'];
  const samples = values['samples-per-request'];
  if (series !== undefined && samples !== undefined)
    throw new BadArgument(
      'Cannot use --series-per-request and --samples-per-request together: one follows from the other',
    );
  if (samples === undefined) return parseCount('--series-per-request', series ?? '2000', 1, 100_000);
  return Math.max(1, Math.floor(parseCount('--samples-per-request', samples, 1, 1_000_000) / samplesPerSeries));
}

/** Takes `10000`, `10k` and `1m`. */
export function parseCount(flag: string, text: string, min: number, max: number): number {
  const match = /^(\d+)([km]?)$/i.exec(text);
  const value = match
    ? Number(match[1]) * ({ '': 1, k: 1000, m: 1_000_000 }[(match[2] as string).toLowerCase()] as number)
    : NaN;
  if (!(value >= min && value <= max))
    throw new BadArgument(`Cannot use ${flag}=${text}: it is a whole number from ${min} to ${max}`);
  return value;
}

export function parseDurationMs(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const value = match
    ? Number(match[1]) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's'] as number)
    : NaN;
  if (!(value > 0)) throw new BadArgument(`Cannot use ${flag}=${text}: it is a time such as 500ms, 30s or 5m`);
  return value;
}

/** Runs a strict `parseArgs` and turns its errors into one line. */
export function strictly<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new BadArgument(`Cannot read the arguments: ${line}; --help lists them`);
  }
}

function parseUrl(text: string | undefined): URL {
  if (text === undefined)
    throw new BadArgument('Cannot start without --url: for example --url http://127.0.0.1:19291/api/v1/receive');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:')
    throw new BadArgument(`Cannot use --url=${text}: it is an address that starts with http://`);
  return url;
}

function parseVersion(text: string): RemoteWriteVersion {
  if (text !== '1.0' && text !== '2.0') throw new BadArgument(`Cannot use --remote-write=${text}: it is 1.0 or 2.0`);
  return text;
}

function parseHeader(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text);
  if (!match) throw new BadArgument(`Cannot use --header=${text}: it has the form 'NAME: VALUE'`);
  return [match[1] as string, match[2] as string];
}

function parseProcess(text: string): { name: string; pid: number } {
  const match = /^([^=]+)=(\d+)$/.exec(text);
  if (!match) throw new BadArgument(`Cannot use --pid=${text}: it has the form NAME=PID`);
  return { name: match[1] as string, pid: Number(match[2]) };
}
