import { join, resolve } from 'node:path';
import { runBench } from './bench.js';
import { benchUsage, parseBenchArguments } from './bench-arguments.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

async function main(): Promise<number> {
  const args = parseBenchArguments(process.argv.slice(2));
  // This file runs as dist/tools/bench/main.js.
  const place = { appsDir: resolve(__dirname, '../../apps'), readerFile: join(__dirname, 'worker.js') };
  if (args !== 'help') return runBench(args, place, stop.signal);
  console.log(benchUsage);
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
