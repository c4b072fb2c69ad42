import { messageOf } from '@gauntlet/base';
import { compileMatcher } from '@gauntlet/select';
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { RelabelConfigError } from './error.js';
import { type GroupText } from './template.js';

/** One match of a pattern. */
export interface PatternMatch {
  readonly start: number;
  readonly end: number;
  readonly group: GroupText;
}

/** A regular expression as relabelling has it: `^(?s:expression)$` in RE2's syntax, searched for as Go does. */
export interface Pattern {
  readonly matches: (text: string) => boolean;
  /** The first match from `from` on. */
  readonly find: (text: string, from?: number) => PatternMatch | undefined;
  readonly groupNumbers: Readonly<Record<string, readonly number[]>>;
}

/** What every rule has that names none. */
export const defaultExpression = '(.*)';

/** @throws RelabelConfigError in RE2's words */
export function compilePattern(expression: string): Pattern {
  if (expression === defaultExpression || expression === '.*') return anything(expression === '.*' ? 0 : 1);
  // An expression like `a)|(b` is valid only between the parentheses, and is then anchored at one end or none, in Prometheus too.
  const program = compile(`^(?s:${expression})$`);
  const groupNumbers = Object.fromEntries(Object.entries(program.namedGroups()).map(([name, at]) => [name, [at]]));
  const groupCount = program.groupCount();
  return {
    groupNumbers,
    matches: exactMatches(expression) ?? ((text) => program.matcher(text).find()),
    find(text, from = 0) {
      const matcher = program.matcher(text);
      if (!matcher.find(from)) return undefined;
      return {
        start: matcher.start(),
        end: matcher.end(),
        group: (number) => (number > groupCount ? undefined : (matcher.group(number) ?? undefined)),
      };
    },
  };
}

/** Matchers of queries compare alternatives and prefixes without an engine. They are anchored at both ends, as we are wherever the expression is valid alone. */
function exactMatches(expression: string): ((text: string) => boolean) | undefined {
  try {
    return compileMatcher('=~', '', expression).matches;
  } catch {
    return undefined;
  }
}

function anything(groupCount: number): Pattern {
  return {
    groupNumbers: {},
    matches: () => true,
    find: (text, from = 0) =>
      from > 0
        ? undefined
        : { start: 0, end: text.length, group: (number) => (number <= groupCount ? text : undefined) },
  };
}

function compile(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    const reason =
      error instanceof RE2JSSyntaxException ? `${error.error}: \`${error.input ?? ''}\`` : messageOf(error);
    throw new RelabelConfigError(`error parsing regexp: ${reason}`, { cause: error });
  }
}
