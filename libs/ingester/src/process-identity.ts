import { readFile } from 'node:fs/promises';
import type { ProcessIdentity } from './data-directory.js';

/** This process, told apart from others that had or will have its id by the boot and the tick at which it began (Linux). */
export const ownProcess: ProcessIdentity = { pid: process.pid, startOf: startOfProcess };

async function startOfProcess(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // Field 22, counted behind the name, which is in brackets and may hold blanks (proc(5)).
    return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    // Without /proc nothing is known of other processes, so that no lock is believed.
    return undefined;
  }
}
