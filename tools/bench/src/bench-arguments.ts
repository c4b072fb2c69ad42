import { parseArgs } from 'node:util';
import { BadArgument, parseCount, parseDurationMs, strictly } from '@gauntlet/loadgen-tool';

export type Maker = 'gauntlet' | 'thanos';

interface CommonArguments {
  readonly makers: readonly Maker[];
  readonly output: string | undefined;
}
export interface FleetArguments extends CommonArguments {
  readonly command: 'fleet';
  readonly sizes: readonly number[];
  readonly replicationFactors: readonly number[];
  readonly rounds: number;
  readonly durationMs: number;
}
export interface VersionsArguments extends CommonArguments {
  readonly command: 'versions';
  readonly sizes: readonly number[];
  readonly replicationFactors: readonly number[];
  /** Windows of each version. */
  readonly rounds: number;
  /** Of all windows of one version together. */
  readonly durationMs: number;
}
export interface RestartArguments extends CommonArguments {
  readonly command: 'restart';
  readonly series: number;
  readonly samplesPerSeries: number;
}
export interface CutArguments extends CommonArguments {
  readonly command: 'cut';
  readonly series: number;
  readonly rangeMs: number;
  /** Samples per second, over all series. */
  readonly rate: number;
  readonly windowMs: number;
}
export interface BlocksArguments extends CommonArguments {
  readonly command: 'blocks';
  readonly series: number;
  readonly samplesPerSeries: number;
  readonly stepMs: number;
}
export interface IdleArguments extends CommonArguments {
  readonly command: 'idle';
  readonly tenants: number;
  readonly seriesPerTenant: number;
}
export interface ReadArguments extends CommonArguments {
  readonly command: 'read';
  readonly series: number;
  readonly samplesPerSeries: number;
  readonly rounds: number;
}
export interface ReadLoadArguments extends CommonArguments {
  readonly command: 'read-under-load';
  readonly series: number;
  /** Samples per second, over all series; undefined: half of what each takes at most. */
  readonly rate: number | undefined;
  readonly windowMs: number;
}
export type BenchArguments =
  | FleetArguments
  | VersionsArguments
  | RestartArguments
  | CutArguments
  | BlocksArguments
  | IdleArguments
  | ReadArguments
  | ReadLoadArguments;

export const benchUsage = `Measures our router and ingesters, and the real programs beside them where they are found, with the same load.

  npm run bench -- [fleet] [options]   samples by CPU second, memory by series
    --sizes LIST      series, default 10k,100k,1m
    --rf LIST         replication factors, default 1,3
    --rounds N        repeats of everything; the median by ingester counts; default 1
    --duration TIME   of each measurement, after every series was sent once; default 10s

  npm run bench -- versions [options]  samples by CPU second in remote write 1.0 and in 2.0, to the router and straight to an ingester
    --sizes LIST      series, default 10k,100k
    --rf LIST         replication factors, default 1,3
    --rounds N        windows of each version, in turn; the median counts; default 10
    --duration TIME   of all windows of one version together, default 20s

  npm run bench -- restart [options]   an ingester is killed and started again: until it takes writes, until its log is replayed
    --series N        default 1m
    --samples N       of each series in the log, default 4

  npm run bench -- cut [options]       latency of writes before, while and after a block is cut
    --series N        default 1m
    --range TIME      length of a block, default 2m: the cut comes one and a half to one and three quarters of it after the first sample; Thanos needs 2m
    --rate N          samples a second, default a sample of each series every 20 s
    --window TIME     how long before and after the cut counts, default 30s

  npm run bench -- blocks [options]    bytes of a block, beside one that Prometheus makes of the same samples
    --series N        default 10k
    --samples N       of each series, default 240
    --step TIME       between two samples of a series, default 15s; all of them within an hour

  npm run bench -- idle [options]      start and memory of an ingester whose tenants are idle
    --tenants N       default 1000
    --series N        of each tenant, default 10

  npm run bench -- read [options]      calls of StoreAPI to an ingester: series by CPU second, first message, latency, memory
    --series N        default 100k
    --samples N       of each series, 15 s apart, default 4
    --rounds N        repeats of all calls; the median counts; default 3

  npm run bench -- read-under-load [options]   latency of writes while all series are read, and memory of that
    --series N        default 1m
    --rate N          samples a second, default half of what each takes at most, which is measured first
    --window TIME     how long each phase lasts, default 30s

  --only NAME       gauntlet or thanos; default both; not for blocks
  --output FILE     also write the table there, as markdown
  --help            print this

thanos and prometheus are looked for in PEERS_DIR, then in PATH. Processor time and memory are read from /proc, so this needs Linux.`;

const common = {
  only: { type: 'string' },
  output: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;
const seriesMax = 20_000_000;

/** `help` when the usage is asked for. Throws `BadArgument` with one line that names what cannot be used. */
export function parseBenchArguments(args: readonly string[]): BenchArguments | 'help' {
  const [first = ''] = args;
  const isNamed = first !== '' && !first.startsWith('-');
  const rest = isNamed ? args.slice(1) : [...args];
  const command = isNamed ? first : 'fleet';
  const parse = (parsers as Readonly<Record<string, (rest: string[]) => BenchArguments | 'help'>>)[command];
  if (parse === undefined)
    throw new BadArgument(`Cannot measure ${command}: it is one of ${Object.keys(parsers).join(', ')}`);
  return parse(rest);
}

const parsers = {
  fleet: parseFleet,
  versions: parseVersions,
  restart: parseRestart,
  cut: parseCut,
  blocks: parseBlocks,
  idle: parseIdle,
  read: parseRead,
  'read-under-load': parseReadLoad,
};

function parseFleet(args: string[]): FleetArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        sizes: { type: 'string', default: '10k,100k,1m' },
        rf: { type: 'string', default: '1,3' },
        rounds: { type: 'string', default: '1' },
        duration: { type: 'string', default: '10s' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'fleet',
    ...commonOf(values),
    sizes: values.sizes.split(',').map((text) => parseCount('--sizes', text, 1, seriesMax)),
    replicationFactors: values.rf.split(',').map((text) => parseCount('--rf', text, 1, 9)),
    rounds: parseCount('--rounds', values.rounds, 1, 100),
    durationMs: parseDurationMs('--duration', values.duration),
  };
}

function parseVersions(args: string[]): VersionsArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        sizes: { type: 'string', default: '10k,100k' },
        rf: { type: 'string', default: '1,3' },
        rounds: { type: 'string', default: '10' },
        duration: { type: 'string', default: '20s' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'versions',
    ...commonOf(values),
    sizes: values.sizes.split(',').map((text) => parseCount('--sizes', text, 1, seriesMax)),
    replicationFactors: values.rf.split(',').map((text) => parseCount('--rf', text, 1, 9)),
    rounds: parseCount('--rounds', values.rounds, 1, 100),
    durationMs: parseDurationMs('--duration', values.duration),
  };
}

function parseRestart(args: string[]): RestartArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        series: { type: 'string', default: '1m' },
        samples: { type: 'string', default: '4' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'restart',
    ...commonOf(values),
    series: parseCount('--series', values.series, 1, seriesMax),
    samplesPerSeries: parseCount('--samples', values.samples, 1, 1000),
  };
}

function parseCut(args: string[]): CutArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        series: { type: 'string', default: '1m' },
        range: { type: 'string', default: '2m' },
        rate: { type: 'string' },
        window: { type: 'string', default: '30s' },
      },
    }),
  );
  if (values.help) return 'help';
  const series = parseCount('--series', values.series, 1, seriesMax);
  return {
    command: 'cut',
    ...commonOf(values),
    series,
    rangeMs: parseDurationMs('--range', values.range),
    rate: values.rate === undefined ? Math.ceil(series / 20) : parseCount('--rate', values.rate, 1, 100_000_000),
    windowMs: parseDurationMs('--window', values.window),
  };
}

const blockSpanMsMax = 3_600_000;

function parseBlocks(args: string[]): BlocksArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        series: { type: 'string', default: '10k' },
        samples: { type: 'string', default: '240' },
        step: { type: 'string', default: '15s' },
      },
    }),
  );
  if (values.help) return 'help';
  const samplesPerSeries = parseCount('--samples', values.samples, 1, 100_000);
  const stepMs = parseDurationMs('--step', values.step);
  if (samplesPerSeries * stepMs > blockSpanMsMax)
    throw new BadArgument(
      `Cannot use --samples=${values.samples} with --step=${values.step}: together they take more than an hour`,
    );
  return {
    command: 'blocks',
    ...commonOf(values),
    series: parseCount('--series', values.series, 1, seriesMax),
    samplesPerSeries,
    stepMs,
  };
}

function parseIdle(args: string[]): IdleArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        tenants: { type: 'string', default: '1000' },
        series: { type: 'string', default: '10' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'idle',
    ...commonOf(values),
    tenants: parseCount('--tenants', values.tenants, 1, 100_000),
    seriesPerTenant: parseCount('--series', values.series, 1, 100_000),
  };
}

/** At 15 s: half an hour, which any head still takes. */
const readSamplesMax = 120;

function parseRead(args: string[]): ReadArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        series: { type: 'string', default: '100k' },
        samples: { type: 'string', default: '4' },
        rounds: { type: 'string', default: '3' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'read',
    ...commonOf(values),
    series: parseCount('--series', values.series, 1, seriesMax),
    samplesPerSeries: parseCount('--samples', values.samples, 1, readSamplesMax),
    rounds: parseCount('--rounds', values.rounds, 1, 100),
  };
}

function parseReadLoad(args: string[]): ReadLoadArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args,
      options: {
        ...common,
        series: { type: 'string', default: '1m' },
        rate: { type: 'string' },
        window: { type: 'string', default: '30s' },
      },
    }),
  );
  if (values.help) return 'help';
  return {
    command: 'read-under-load',
    ...commonOf(values),
    series: parseCount('--series', values.series, 1, seriesMax),
    rate: values.rate === undefined ? undefined : parseCount('--rate', values.rate, 1, 100_000_000),
    windowMs: parseDurationMs('--window', values.window),
  };
}

function commonOf({ only, output }: { only?: string | undefined; output?: string | undefined }): CommonArguments {
  if (only !== undefined && only !== 'gauntlet' && only !== 'thanos')
    throw new BadArgument(`Cannot use --only=${only}: it is gauntlet or thanos`);
  return { makers: only === undefined ? ['gauntlet', 'thanos'] : [only], output };
}
