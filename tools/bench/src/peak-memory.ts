import { writeFileSync } from 'node:fs';
import { readProcessUsage, type ProcessUsage } from '@gauntlet/loadgen-tool';
import { type Member } from './fleet.js';

/** What a process used between two moments. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The most at any time between, as the kernel keeps it: no poll misses it. */
  readonly residentBytesPeak: number;
}

/** Begins to count; the returned function ends it. `residentBytes` is that of the begin. */
export function beginUsage(member: Member): () => Usage {
  // "5" makes what is resident now the most that ever was.
  writeFileSync(`/proc/${member.pid}/clear_refs`, '5');
  const before = usageOf(member);
  return () => {
    const after = usageOf(member);
    return {
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      residentBytes: before.residentBytes,
      residentBytesPeak: Math.max(before.residentBytes, after.residentBytesPeak),
    };
  };
}

function usageOf({ name, pid, child }: Member): ProcessUsage {
  const usage = readProcessUsage(pid);
  if (usage === undefined) throw new Error(`Cannot measure ${name}: it has ended\n${child.lastLogLines(10)}`);
  return usage;
}
