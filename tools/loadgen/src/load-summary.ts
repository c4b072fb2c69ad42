import { type Measurement } from './measure.js';
import { binaryBytes, milliseconds, textTable, wholeNumber } from './text-table.js';

/** What a person reads after a run. */
export function summaryText({ result, costs }: Measurement): string {
  const seconds = result.elapsedMs / 1000;
  const failed = result.samplesSent - result.samplesAccepted;
  const { latency } = result;
  const lines = [
    `${wholeNumber(result.samplesAccepted)} samples accepted in ${seconds.toFixed(1)} s: ${wholeNumber(result.samplesAccepted / seconds)} samples/s` +
      (failed > 0 ? `; ${wholeNumber(failed)} samples not accepted` : ''),
    `${wholeNumber(result.requests)} requests, ${wholeNumber(result.bytesSent / Math.max(1, result.requests))} bytes each: ` +
      `p50 ${milliseconds(latency.quantileMs(0.5))}, p99 ${milliseconds(latency.quantileMs(0.99))}, max ${milliseconds(latency.maxMs)}`,
    `answers: ${[...result.statuses].map(([code, count]) => `${code} x ${wholeNumber(count)}`).join(', ') || 'none'}`,
    ...[...result.examples].map(([code, text]) => `  first ${code}: ${text || '(empty)'}`),
  ];
  if (costs.length > 0) {
    const rows = costs.map((cost) => [
      cost.name,
      cost.cpuSeconds.toFixed(2),
      cost.samplesPerCpuSecond === undefined ? '-' : wholeNumber(cost.samplesPerCpuSecond),
      binaryBytes(cost.residentBytes),
      wholeNumber(cost.residentBytesPerSeries),
    ]);
    lines.push('', textTable([['process', 'CPU s', 'samples/CPU s', 'RSS', 'RSS bytes/series'], ...rows]));
  }
  return lines.join('\n');
}

/** The same figures for a program. */
export function summaryRecord({ result, costs }: Measurement): Record<string, unknown> {
  const { latency } = result;
  return {
    elapsedSeconds: result.elapsedMs / 1000,
    samplesSent: result.samplesSent,
    samplesAccepted: result.samplesAccepted,
    samplesPerSecond: result.samplesAccepted / (result.elapsedMs / 1000),
    bytesSent: result.bytesSent,
    requests: result.requests,
    statuses: Object.fromEntries(result.statuses),
    examples: Object.fromEntries(result.examples),
    latencyMs: {
      p50: latency.quantileMs(0.5),
      p90: latency.quantileMs(0.9),
      p99: latency.quantileMs(0.99),
      max: latency.maxMs,
    },
    processes: costs,
  };
}
