import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BadArgument } from '@gauntlet/loadgen-tool';
import { runStack } from './stack.js';
import { parseStackArguments, stackUsage } from './stack-arguments.js';

const checkoutDir = resolve(__dirname, '../../..'); // This file runs as dist/tools/stack/main.js.
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

async function main(): Promise<number> {
  const args = parseStackArguments(process.argv.slice(2), checkoutDir);
  if (args === 'help') {
    console.log(stackUsage);
    return 0;
  }
  const mainOf = (app: string): string => join(checkoutDir, 'dist/apps', app, 'main.js');
  for (const app of ['router', 'ingester'])
    if (!existsSync(mainOf(app)))
      throw new BadArgument(`Cannot start: ${mainOf(app)} is not there; npm run build makes it`);
  return runStack({
    ...args,
    command: (app) => [process.execPath, '--enable-source-maps', mainOf(app)],
    signal: stop.signal,
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
