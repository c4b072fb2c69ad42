import { parseArgs } from 'node:util';
import { BadArgument, parseCount, parseDurationMs, strictly } from '@gauntlet/loadgen-tool';

export type Maker = 'gauntlet' | 'thanos';
export interface BenchArguments {
  readonly sizes: readonly number[];
  readonly replicationFactors: readonly number[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly makers: readonly Maker[];
  readonly output: string | undefined;
}

export const benchUsage = `Measures our router and ingesters, and the real thanos beside them where it is found, with the same load.

  npm run bench -- [options]

  --sizes LIST      series, default 10k,100k,1m
  --rf LIST         replication factors, default 1,3
  --rounds N        repeats of everything; the median by ingester counts; default 1
  --duration TIME   of each measurement, after every series was sent once; default 10s
  --only NAME       gauntlet or thanos; default both
  --output FILE     also write the table there, as markdown
  --help            print this

thanos is looked for in PEERS_DIR, then in PATH. Processor time and memory are read from /proc, so this needs Linux.`;

export function parseBenchArguments(args: readonly string[]): BenchArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args: [...args],
      options: {
        sizes: { type: 'string', default: '10k,100k,1m' },
        rf: { type: 'string', default: '1,3' },
        rounds: { type: 'string', default: '1' },
        duration: { type: 'string', default: '10s' },
        only: { type: 'string' },
        output: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
      strict: true,
      allowPositionals: false,
    }),
  );
  if (values.help) return 'help';
  if (values.only !== undefined && values.only !== 'gauntlet' && values.only !== 'thanos')
    throw new BadArgument(`Cannot use --only=${values.only}: it is gauntlet or thanos`);
  return {
    sizes: values.sizes.split(',').map((text) => parseCount('--sizes', text, 1, 20_000_000)),
    replicationFactors: values.rf.split(',').map((text) => parseCount('--rf', text, 1, 9)),
    rounds: parseCount('--rounds', values.rounds, 1, 100),
    durationMs: parseDurationMs('--duration', values.duration),
    makers: values.only === undefined ? ['gauntlet', 'thanos'] : [values.only],
    output: values.output,
  };
}
