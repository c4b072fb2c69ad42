import { messageOf } from '@gauntlet/base';
import { RE2JS, RE2JSSyntaxException } from 're2js';
import { expressionCost } from './expression-cost.js';
import { globsOf, matchesGlob } from './glob.js';
import { MatcherError } from './matcher-error.js';

/** Longer expressions are refused before anything looks at them. */
export const expressionCharsMax = 4 * 1024 * 1024;

/** Expressions that need the engine, by `expressionCost`: the dearest below it takes the engine about 0.3 s to compile, a common one 1 ms. */
export const expressionCostMax = 10_000;

/** What the expressions of one request may cost together. */
export interface ExpressionBudget {
  left: number;
}

export function createExpressionBudget(): ExpressionBudget {
  return { left: expressionCostMax };
}

/** An error travels in the header of an answer. */
const quotedCharsMax = 1024;

/** Results that an expression remembers: a label's values come again for each block and tenant. */
const resultsMax = 1024;
const resultCharsMax = 256;

/** So many texts with gaps are compared in no time. */
const cheapGlobsMax = 16;

/** A regular expression, anchored at both ends. */
export interface Expression {
  /** All the texts that it matches, where it is made of alternatives without wildcards. */
  readonly values: readonly string[] | undefined;
  readonly matches: (text: string) => boolean;
  /** Whether one text may take so long that a loop must look at the clock after each. */
  readonly isCostly: boolean;
}

/**
 * Most expressions that people write are alternatives of texts with `.*` in between: those are compared, without an engine.
 * @throws MatcherError
 */
export function compileExpression(expression: string, budget = createExpressionBudget()): Expression {
  if (expression.length > expressionCharsMax)
    throw new MatcherError(`Cannot compile expression: it has more than ${expressionCharsMax} characters`);
  const globs = globsOf(expression);
  if (globs === undefined) return compileByEngine(expression, budget);
  const values = new Set(globs.filter(({ texts }) => texts.length === 1).map(({ texts }) => texts[0]!));
  const wild = globs.filter(({ texts }) => texts.length > 1);
  if (wild.length === 0) return { values: [...values], matches: (text) => values.has(text), isCostly: false };
  const isCostly = wild.length > cheapGlobsMax;
  return {
    values: undefined,
    isCostly,
    matches: (text) => values.has(text) || wild.some((glob) => matchesGlob(glob, text)),
  };
}

function compileByEngine(expression: string, budget: ExpressionBudget): Expression {
  const cost = expressionCost(expression);
  if (cost > budget.left)
    throw new MatcherError(`Cannot compile expression: it costs more than ${expressionCostMax} steps`);
  budget.left -= cost;
  const program = parse(expression);
  const results = new Map<string, boolean>();
  return {
    values: undefined,
    isCostly: true,
    matches(text) {
      const known = results.get(text);
      if (known !== undefined) return known;
      const result = program.testExact(text);
      if (results.size === resultsMax) results.clear();
      if (text.length <= resultCharsMax) results.set(text, result);
      return result;
    },
  };
}

/** Compiled as it stands and matched exactly, not between `^(?:` and `)$`: those would make `a)(b` valid. */
function parse(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression, RE2JS.DOTALL);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException))
      throw new MatcherError(`Cannot compile expression: ${messageOf(error)}`, { cause: error });
    // The engine writes the flag before the expression, and some errors quote the whole of it.
    const quoted = (error.input ?? '').replace(/^\(\?s\)/, '').slice(0, quotedCharsMax);
    throw new MatcherError(`error parsing regexp: ${error.error}: \`${quoted}\``, { cause: error });
  }
}
