import { writeFileSync } from 'node:fs';
import { BadArgument, readProcessUsage } from '@gauntlet/loadgen-tool';
import { type BenchArguments } from './bench-arguments.js';
import { createBenchContext, type BenchContext, type BenchPlace } from './bench-context.js';
import { measureBlocks } from './measure-blocks.js';
import { measureCuts } from './measure-cut.js';
import { measureFleets } from './measure-fleet.js';
import { measureIdleTenants } from './measure-idle.js';
import { measureReads } from './measure-read.js';
import { measureReadsUnderLoad } from './measure-read-load.js';
import { measureRestarts } from './measure-restart.js';
import { measureVersions } from './measure-versions.js';

/** Measures what is asked for, and prints its table; the returned number is the exit code. */
export async function runBench(args: BenchArguments, place: BenchPlace, signal: AbortSignal): Promise<number> {
  if (!readProcessUsage(process.pid))
    throw new BadArgument('Cannot measure here: processor time is read from /proc, which only Linux has');
  const context = createBenchContext(args.makers, { ...place, signal });
  if (context.makers.length === 0) throw new BadArgument('Cannot measure anything: nothing that is asked for is there');
  const table = await tableOf(args, context);
  console.log(table);
  if (args.output !== undefined) writeFileSync(args.output, `${table}\n`);
  return signal.aborted ? 130 : 0;
}

function tableOf(args: BenchArguments, context: BenchContext): Promise<string> {
  switch (args.command) {
    case 'fleet':
      return measureFleets(args, context);
    case 'versions':
      return measureVersions(args, context);
    case 'restart':
      return measureRestarts(args, context);
    case 'cut':
      return measureCuts(args, context);
    case 'blocks':
      return measureBlocks(args, context);
    case 'idle':
      return measureIdleTenants(args, context);
    case 'read':
      return measureReads(args, context);
    case 'read-under-load':
      return measureReadsUnderLoad(args, context);
  }
}
