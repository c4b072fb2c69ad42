import { type FlagType, FlagValueError, type FlagValue, parseFlagValue } from './flag-types.js';

/** One flag as the command line knows it. */
export interface Flag {
  readonly name: string;
  readonly type: FlagType;
  /** As on the command line; none means that the flag has no value unless given. */
  readonly default?: string;
  readonly values?: readonly string[];
  readonly repeated?: boolean;
  /** Left out of `--help`, accepted all the same. */
  readonly hidden?: boolean;
  readonly help?: string;
  /** Why it is refused, and what to do instead. It still parses, so that the message names the flag. */
  readonly refused?: string;
  /** Why it is accepted and does nothing. */
  readonly noEffect?: string;
}

export interface Program {
  readonly name: string;
  readonly about: string;
  readonly version: string;
  readonly flags: readonly Flag[];
}

/** What a flag was given, or its default. */
export interface ParsedFlags {
  /** Whether the command line names it. */
  given(name: string): boolean;
  text(name: string): string;
  bool(name: string): boolean;
  number(name: string): number;
  list(name: string): readonly string[];
}

/** The process should end now. */
export interface Exit {
  readonly kind: 'exit';
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

export type ParseResult = { readonly kind: 'flags'; readonly flags: ParsedFlags } | Exit;

/** Ends parsing with a line on standard error: 1 for a command line that is none, 2 for a value that does not parse. */
export function exitWithError(program: string, code: number, message: string): Exit {
  return { kind: 'exit', code, stderr: `${program}: error: ${message.split('\n')[0]}\n` };
}

class UsageError extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Reads `--flag=value`, `--flag value`, `--bool`, `--no-bool` and repeated flags, as Thanos does. */
export function parseFlags(program: Program, argv: readonly string[]): ParseResult {
  try {
    const { given, help, version } = readArguments(program, argv);
    if (help) return { kind: 'exit', code: 0, stdout: renderHelp(program) };
    if (version) return { kind: 'exit', code: 0, stdout: `${program.name}, version ${program.version}\n` };
    return { kind: 'flags', flags: parseAll(program, given) };
  } catch (error) {
    if (error instanceof UsageError) return exitWithError(program.name, error.exitCode, error.message);
    throw error;
  }
}

interface Arguments {
  given: Map<string, string[]>;
  help: boolean;
  version: boolean;
}

function readArguments(program: Program, argv: readonly string[]): Arguments {
  const flags = new Map(program.flags.map((flag) => [flag.name, flag]));
  const given = new Map<string, string[]>();
  const result: Arguments = { given, help: false, version: false };
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at]!;
    if (argument === '-h') {
      result.help = true;
      continue;
    }
    if (argument === '--') continue;
    if (!argument.startsWith('-') || argument === '-') throw new UsageError(1, `unexpected ${argument}`);
    if (!argument.startsWith('--')) throw new UsageError(1, `unknown short flag '${argument.slice(0, 2)}'`);
    const equals = argument.indexOf('=');
    const name = argument.slice(2, equals < 0 ? undefined : equals);
    const inline = equals < 0 ? undefined : argument.slice(equals + 1);
    if (name === 'help' || name === 'help-long') {
      result.help = true;
      continue;
    }
    if (name === 'version') {
      result.version = true;
      continue;
    }
    const positive = flags.get(name);
    const negated = positive ? undefined : name.startsWith('no-') ? flags.get(name.slice(3)) : undefined;
    const flag = positive ?? (negated?.type === 'bool' ? negated : undefined);
    if (!flag) throw new UsageError(1, `unknown long flag '--${name}'`);
    if (flag.refused !== undefined) throw new UsageError(1, `Cannot use flag '--${name}': ${flag.refused}`);
    let value: string;
    if (flag.type === 'bool') {
      if (inline !== undefined && negated) throw new UsageError(1, `unexpected ${inline}`);
      value = negated ? 'false' : (inline ?? 'true');
    } else if (inline !== undefined) {
      value = inline;
    } else {
      const next = argv[at + 1];
      if (next === undefined || next.startsWith('--'))
        throw new UsageError(1, `expected argument for flag '--${name}'`);
      value = next;
      at += 1;
    }
    const values = given.get(flag.name) ?? [];
    if (values.length > 0 && !flag.repeated) throw new UsageError(1, `flag '${flag.name}' cannot be repeated`);
    given.set(flag.name, [...values, value]);
  }
  return result;
}

function parseAll(program: Program, given: ReadonlyMap<string, readonly string[]>): ParsedFlags {
  const parsed = new Map<string, readonly FlagValue[]>();
  for (const flag of program.flags) {
    const texts = given.get(flag.name) ?? (flag.default === undefined ? [] : [flag.default]);
    parsed.set(
      flag.name,
      texts.map((text) => parseValue(flag, text)),
    );
  }
  const first = (name: string): FlagValue | undefined => parsed.get(name)?.[0];
  return {
    given: (name) => given.has(name),
    text: (name) => String(first(name) ?? ''),
    bool: (name) => first(name) === true,
    number: (name) => Number(first(name) ?? 0),
    list: (name) => (parsed.get(name) ?? []).map(String),
  };
}

function parseValue(flag: Flag, text: string): FlagValue {
  try {
    return parseFlagValue(flag.type, text, flag.values);
  } catch (error) {
    if (!(error instanceof FlagValueError)) throw error;
    throw new UsageError(2, `error parsing commandline arguments: [--${flag.name}=${text}]: ${error.message}`);
  }
}

function renderHelp(program: Program): string {
  const shown = program.flags.filter((flag) => !flag.hidden && flag.refused === undefined);
  const rows: [string, string][] = [
    ['  -h, --help', 'Show this help.'],
    ['      --version', 'Show the version.'],
    ...shown.map((flag): [string, string] => [
      `      ${usageOf(flag)}`,
      [flag.help ?? '', valuesOf(flag), flag.repeated ? 'Repeatable.' : ''].filter(Boolean).join(' '),
    ]),
  ];
  const text = rows.map(([left, right]) => `${left.padEnd(52)} ${right}`.trimEnd()).join('\n');
  return `usage: ${program.name} [<flags>]\n\n${program.about}\n\nFlags:\n${text}\n`;
}

function usageOf(flag: Flag): string {
  if (flag.type === 'bool') return `--[no-]${flag.name} (default ${flag.default ?? 'false'})`;
  return `--${flag.name}=${flag.default === undefined ? '...' : flag.default === '' ? '""' : flag.default}`;
}

function valuesOf(flag: Flag): string {
  return flag.values === undefined ? '' : `One of: ${flag.values.map((value) => value || '""').join(', ')}.`;
}
