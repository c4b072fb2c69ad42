import { readProcessUsage, type ProcessUsage } from './process-usage.js';
import { type LoadResult } from './load.js';

export interface MeasuredProcess {
  readonly name: string;
  readonly pid: number;
}

export interface ProcessCost {
  readonly name: string;
  readonly cpuSeconds: number;
  /** Accepted samples by CPU seconds; `undefined` when the process used less CPU than can be told. */
  readonly samplesPerCpuSecond: number | undefined;
  readonly residentBytes: number;
  readonly residentBytesPerSeries: number;
}

export interface Measurement {
  readonly result: LoadResult;
  readonly costs: readonly ProcessCost[];
}

/** Runs a load and charges it to the processes. One that ended meanwhile, or cannot be read, is left out. */
export async function measure(
  processes: readonly MeasuredProcess[],
  series: number,
  run: () => Promise<LoadResult>,
): Promise<Measurement> {
  const before = processes.map(({ pid }) => readProcessUsage(pid));
  const result = await run();
  const costs = processes.flatMap(({ name, pid }, k): ProcessCost[] => {
    const from = before[k];
    const to = readProcessUsage(pid);
    return from && to ? [costOf(name, from, to, result.samplesAccepted, series)] : [];
  });
  return { result, costs };
}

function costOf(name: string, from: ProcessUsage, to: ProcessUsage, samples: number, series: number): ProcessCost {
  const cpuSeconds = to.cpuSeconds - from.cpuSeconds;
  return {
    name,
    cpuSeconds,
    samplesPerCpuSecond: cpuSeconds > 0 ? samples / cpuSeconds : undefined,
    residentBytes: to.residentBytes,
    residentBytesPerSeries: to.residentBytes / series,
  };
}
