import { tsdbCommand } from './tsdb-command.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// A pipe that closes early, as with `| head`, ends the command; it is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
void tsdbCommand(process.argv.slice(2), stop.signal).then((code) => (process.exitCode = code));
