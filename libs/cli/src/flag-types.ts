import { parseGoDuration, parsePrometheusDuration } from './durations.js';

export type FlagType =
  'string' | 'bool' | 'enum' | 'int' | 'uint' | 'float' | 'prometheus duration' | 'go duration' | 'bytes';
export type FlagValue = string | boolean | number;

/** A value that does not parse; the message is what kingpin says after `[...]: `. */
export class FlagValueError extends Error {}

/** Reads one value. Durations become milliseconds. Throws `FlagValueError`. */
export function parseFlagValue(type: FlagType, text: string, values: readonly string[] = []): FlagValue {
  switch (type) {
    case 'string':
      return text;
    case 'bool':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new FlagValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    case 'enum':
      if (values.includes(text)) return text;
      throw new FlagValueError(`enum value must be one of ${values.join(',')}, got '${text}'`);
    case 'int':
      return number(text, /^[+-]?\d+$/, 'ParseInt');
    case 'uint':
      return number(text, /^\d+$/, 'ParseUint');
    case 'float':
      return number(text, /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, 'ParseFloat');
    case 'prometheus duration':
      return known(parsePrometheusDuration(text), `not a valid duration string: ${JSON.stringify(text)}`);
    case 'go duration':
      return known(parseGoDuration(text), `time: invalid duration ${JSON.stringify(text)}`);
    case 'bytes':
      return bytes(text);
  }
}

function known(value: number | undefined, message: string): number {
  if (value === undefined) throw new FlagValueError(message);
  return value;
}

function number(text: string, syntax: RegExp, go: string): number {
  if (!syntax.test(text)) throw new FlagValueError(`strconv.${go}: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  // A count that JavaScript cannot hold exactly is no count that anyone means.
  if (go !== 'ParseFloat' && !Number.isSafeInteger(value))
    throw new FlagValueError(`strconv.${go}: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** `512MB`, `1GiB`: powers of 1024 under either name. A bare number has no unit, which only `0` may lack. */
function bytes(text: string): number {
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(.*)$/.exec(text);
  if (!match) throw new FlagValueError(`units: invalid ${text}`);
  const unit = match[2] ?? '';
  const power = byteUnits.indexOf(unit.replace(/^([KMGTPE])iB$/, '$1B'));
  if (power < 0) throw new FlagValueError(`units: unknown unit ${unit} in ${text}`);
  return Math.round(Number(match[1]) * 1024 ** power);
}
