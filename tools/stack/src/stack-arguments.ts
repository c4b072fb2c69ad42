import { resolve } from 'node:path';
import { BadArgument, parseCount, strictly } from '@gauntlet/loadgen-tool';
import { parseArgs } from 'node:util';

export interface StackArguments {
  readonly dataDir: string;
  readonly portOffset: number;
}

export const stackUsage = `Starts one router, three ingesters (replication factor 3, ketama), a bucket in a local folder and a sender with real data.

  npm run up [-- options]

  --data-dir DIR      where everything is kept, default .gauntlet in the checkout
  --port-offset N     added to every port, when the usual ones are busy; default 0
  --help              print this

Ctrl-C flushes, uploads and ends every process. The next start finds the data again.`;

export function parseStackArguments(args: readonly string[], checkoutDir: string): StackArguments | 'help' {
  const { values } = strictly(() =>
    parseArgs({
      args: [...args],
      options: {
        'data-dir': { type: 'string' },
        'port-offset': { type: 'string', default: '0' },
        help: { type: 'boolean', default: false },
      },
      strict: true,
      allowPositionals: false,
    }),
  );
  if (values.help) return 'help';
  if (values['data-dir'] === '') throw new BadArgument('Cannot use --data-dir=: it is the name of a folder');
  return {
    dataDir: resolve(values['data-dir'] ?? resolve(checkoutDir, '.gauntlet')),
    portOffset: parseCount('--port-offset', values['port-offset'], 0, 40_000),
  };
}
