import { readFileSync } from 'node:fs';

/** One line in logfmt, as ours and Thanos' logs have them. */
export interface LogLine {
  readonly atMs: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The lines of a log with this message, so far. A file that is not there has none. */
export function findLogLines(file: string, message: string): LogLine[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    if (!line.includes(message)) return [];
    const parsed = parseLogLine(line);
    return parsed?.message === message ? [parsed] : [];
  });
}

const pairPattern = /([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)/g;

/** Undefined for what is no line of a log, such as half a line at its end. */
export function parseLogLine(line: string): LogLine | undefined {
  const fields: Record<string, string> = {};
  for (const [, name, value] of line.matchAll(pairPattern)) fields[name as string] = unquoted(value as string);
  const atMs = Date.parse(fields['ts'] ?? '');
  const message = fields['msg'];
  return Number.isNaN(atMs) || message === undefined ? undefined : { atMs, message, fields };
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

/** Of a duration as Go prints it (`1m2.5s`, `345.6ms`), or of plain seconds. */
export function durationMsOf(text: string): number {
  if (/^[\d.]+$/.test(text)) return Number(text) * 1000;
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/([\d.]+)(h|ms|m|s|µs|us|ns)/g))
    sum += Number(value) * (unitsMs[unit as string] as number);
  return sum;
}

const unitsMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  µs: 0.001,
  us: 0.001,
  ns: 0.000001,
};
