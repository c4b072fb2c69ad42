import { cpus, totalmem } from 'node:os';
import { binaryBytes } from '@gauntlet/loadgen-tool';

/** What the figures of a table hold for. */
export function machineText(load: string): string {
  const processors = cpus();
  return `${processors[0]?.model.trim() || 'unknown processor'}, ${processors.length} cores, ${binaryBytes(totalmem())} memory, ${process.platform} ${process.arch}, Node.js ${process.version}. ${load}`;
}
