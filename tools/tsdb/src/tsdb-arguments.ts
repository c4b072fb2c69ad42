import { parseArgs } from 'node:util';

/** Thrown with one line for the user. */
export class BadArgument extends Error {}

export const tsdbUsage = `Looks into databases that an ingester, a receiver or Prometheus wrote. Nothing is ever changed.

  tsdb verify <dir> [options]     check a tenant, an ingester's data directory or a block against every rule of the format
  tsdb dump <dir> [options]       print all samples, as promtool tsdb dump does
  tsdb list <dir> [-r]            print the blocks, as promtool tsdb list does

<dir> must not be written to meanwhile: stop the ingester, or take a copy. For list and dump it is one tenant's directory.

  --objstore.config-file FILE     <dir> is a folder of this bucket; . is the bucket itself
  --help                          print this

verify:
  --warnings-ok                   only errors make the exit code 1
  --infos                         print also what is unusual but right
  --limit N                       findings printed for each rule and tenant, default 20; all are counted
  --json                          print findings and summary as JSON, a line each

dump:
  --min-time MS, --max-time MS    samples in this range only, both ends included
  --match SELECTOR                series that match, such as '{job="api", instance=~"host-.*"}'; may be repeated
  --openmetrics                   print in the OpenMetrics format, without histograms, as promtool tsdb dump-openmetrics does

list:
  -r, --human-readable            times as dates, sizes in KiB

Exit codes of verify: 0 nothing wrong, 1 errors or warnings found, 2 wrong usage or unreadable, 130 after Ctrl-C.`;

interface Common {
  readonly dir: string;
  readonly bucketConfigFile: string | undefined;
}

export interface VerifyArguments extends Common {
  readonly command: 'verify';
  readonly warningsOk: boolean;
  readonly infos: boolean;
  readonly limit: number;
  readonly json: boolean;
}

export interface DumpArguments extends Common {
  readonly command: 'dump';
  readonly minTimeMs: bigint | undefined;
  readonly maxTimeMs: bigint | undefined;
  readonly matches: readonly string[];
  readonly openMetrics: boolean;
}

export interface ListArguments extends Common {
  readonly command: 'list';
  readonly humanReadable: boolean;
}

const common = { help: { type: 'boolean', default: false }, 'objstore.config-file': { type: 'string' } } as const;
const verifyOptions = {
  ...common,
  'warnings-ok': { type: 'boolean', default: false },
  infos: { type: 'boolean', default: false },
  limit: { type: 'string', default: '20' },
  json: { type: 'boolean', default: false },
} as const;
const dumpOptions = {
  ...common,
  'min-time': { type: 'string' },
  'max-time': { type: 'string' },
  match: { type: 'string', multiple: true, default: [] as string[] },
  openmetrics: { type: 'boolean', default: false },
} as const;
const listOptions = { ...common, 'human-readable': { type: 'boolean', short: 'r', default: false } } as const;

/** @throws BadArgument */
export function parseTsdbArguments(args: readonly string[]): VerifyArguments | DumpArguments | ListArguments | 'help' {
  const [command, ...rest] = args;
  if (command === undefined || command === '--help' || command === 'help') return 'help';
  switch (command) {
    case 'verify': {
      const { values, positionals } = strictly(() =>
        parseArgs({ args: rest, options: verifyOptions, allowPositionals: true }),
      );
      if (values.help) return 'help';
      return {
        command,
        ...commonOf(values, positionals),
        warningsOk: values['warnings-ok'],
        infos: values.infos,
        limit: Number(integer('--limit', values.limit)),
        json: values.json,
      };
    }
    case 'dump': {
      const { values, positionals } = strictly(() =>
        parseArgs({ args: rest, options: dumpOptions, allowPositionals: true }),
      );
      if (values.help) return 'help';
      const time = (flag: 'min-time' | 'max-time'): bigint | undefined =>
        values[flag] === undefined ? undefined : integer(`--${flag}`, values[flag]);
      return {
        command,
        ...commonOf(values, positionals),
        minTimeMs: time('min-time'),
        maxTimeMs: time('max-time'),
        matches: values.match,
        openMetrics: values.openmetrics,
      };
    }
    case 'list': {
      const { values, positionals } = strictly(() =>
        parseArgs({ args: rest, options: listOptions, allowPositionals: true }),
      );
      if (values.help) return 'help';
      return { command, ...commonOf(values, positionals), humanReadable: values['human-readable'] };
    }
    default:
      throw new BadArgument(`Cannot run ${command}: the commands are verify, dump and list`);
  }
}

function commonOf(
  values: { readonly 'objstore.config-file'?: string | undefined },
  positionals: readonly string[],
): Common {
  const [dir, ...others] = positionals;
  if (dir === undefined || dir === '') throw new BadArgument('Cannot start without a directory; --help explains');
  if (others.length > 0) throw new BadArgument(`Cannot use ${others[0]}: one directory is read at a time`);
  return { dir: dir.replace(/(?<=.)\/+$/, ''), bucketConfigFile: values['objstore.config-file'] };
}

function integer(flag: string, text: string): bigint {
  if (!/^-?\d+$/.test(text)) throw new BadArgument(`Cannot use ${flag}=${text}: it is a whole number`);
  return BigInt(text);
}

function strictly<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new BadArgument(`Cannot read the arguments: ${line}; --help lists them`);
  }
}
