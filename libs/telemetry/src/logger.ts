import { type Log } from '@gauntlet/base';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where apps write, for those who add fields of their own. A message is constant; what varies goes into the fields. */
export interface Logger extends Log {
  /** A logger that adds these fields to each line. */
  with(fields: Record<string, unknown>): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'logfmt' | 'json';
  readonly component?: string;
  /** Takes whole lines; standard error by default, written at once so that a crash loses none. */
  readonly write?: (line: string) => void;
}

export function createLogger({ level, format, component, write }: LoggerOptions): Logger {
  const sink: DestinationStream = write ? { write } : pino.destination({ fd: 2, sync: true });
  const destination =
    format === 'json'
      ? sink
      : { write: (line: string) => sink.write(toLogfmt(JSON.parse(line) as Record<string, unknown>)) };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return wrap(component === undefined ? logger : logger.child({ component }));
}

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (message, fields) => logger.debug(plain(fields), message),
    info: (message, fields) => logger.info(plain(fields), message),
    warn: (message, fields) => logger.warn(plain(fields), message),
    error: (message, fields) => logger.error(plain(fields), message),
    with: (fields) => wrap(logger.child(plain(fields))),
  };
}

/** Errors become their message, BigInts their digits; nothing else needs help to become JSON. */
function plain(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    result[key] = value instanceof Error ? value.message : typeof value === 'bigint' ? value.toString() : value;
  }
  return result;
}

function toLogfmt({ ts, level, msg, ...fields }: Record<string, unknown>): string {
  return `${Object.entries({ ts, level, ...fields, msg })
    .map(([key, value]) => `${key}=${logfmtValue(value)}`)
    .join(' ')}\n`;
}

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  // Quoted where a reader could not tell the end: blanks, quotes, equals signs, control characters. Empty stays empty, as Go writes it.
  return /[\s"=\u0000-\u001f\u007f\ufffd]/.test(text) ? JSON.stringify(text) : text;
}
