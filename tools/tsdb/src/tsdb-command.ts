import { readFileSync } from 'node:fs';
import { messageOf } from '@gauntlet/base';
import { openBucket, parseBucketConfig } from '@gauntlet/objstore';
import { nodeVfs, type Vfs } from '@gauntlet/vfs';
import { bucketVfs } from './bucket-vfs.js';
import { dumpCommand } from './dump-command.js';
import { listCommand } from './list-command.js';
import { BadArgument, parseTsdbArguments, tsdbUsage } from './tsdb-arguments.js';
import { type Terminal, verifyCommand } from './verify-command.js';

const stdoutTerminal: Terminal = {
  line: (text) => void process.stdout.write(`${text}\n`),
  bar: process.stderr.isTTY ? process.stderr : undefined,
};

const interrupted = 130;
const unusable = 2;

/** Runs a command; the returned number is the exit code. */
export async function tsdbCommand(
  argv: readonly string[],
  signal: AbortSignal,
  terminal: Terminal = stdoutTerminal,
  complain: (text: string) => void = (text) => console.error(text),
): Promise<number> {
  try {
    const args = parseTsdbArguments(argv);
    if (args === 'help') {
      terminal.line(tsdbUsage);
      return argv.length === 0 ? unusable : 0;
    }
    const vfs = await openVfs(args.bucketConfigFile, signal);
    if ((await vfs.stat(args.dir))?.kind !== 'directory')
      throw new BadArgument(`Cannot read ${args.dir}: there is no such directory`);
    switch (args.command) {
      case 'verify':
        return await verifyCommand(args, vfs, terminal, signal);
      case 'dump':
        return await dumpCommand(args, vfs, terminal, signal);
      case 'list':
        return await listCommand(args, vfs, terminal);
    }
  } catch (error) {
    if (signal.aborted) {
      complain('Interrupted: not everything was read');
      return interrupted;
    }
    complain(messageOf(error));
    return unusable;
  }
}

async function openVfs(configFile: string | undefined, signal: AbortSignal): Promise<Vfs> {
  if (configFile === undefined) return nodeVfs;
  return bucketVfs(await openBucket(parseBucketConfig(readFileSync(configFile, 'utf8'))), signal);
}
