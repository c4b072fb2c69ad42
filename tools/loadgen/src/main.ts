import { loadCommand } from './load-command.js';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
void loadCommand(process.argv.slice(2), stop.signal).then((code) => (process.exitCode = code));
