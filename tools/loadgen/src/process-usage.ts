import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system time of all threads since the process started. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The most that was resident at any time. */
  readonly residentBytesPeak: number;
}

/** Reads a process from /proc, which only Linux has. `undefined` when it is gone or the system has no /proc. */
export function readProcessUsage(pid: number, proc = '/proc'): ProcessUsage | undefined {
  try {
    const status = readFileSync(`${proc}/${pid}/status`, 'utf8');
    return {
      cpuSeconds: parseCpuSeconds(readFileSync(`${proc}/${pid}/stat`, 'utf8')),
      residentBytes: parseResidentBytes(status),
      residentBytesPeak: parseResidentBytes(status, 'VmHWM'),
    };
  } catch {
    return undefined;
  }
}

/** Of /proc/PID/stat. The second field is the name in brackets, which may hold blanks and brackets itself. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** Of /proc/PID/status; 0 for a process that has ended and waits to be collected. */
export function parseResidentBytes(status: string, field: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

/** Linux reports to user space in this unit on every architecture that Node.js runs on. */
const clockTicksPerSecond = 100;
