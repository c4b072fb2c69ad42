import type { SyntaxNode } from '@lezer/common';
import {
  compileMatcher,
  createExpressionBudget,
  MatcherError,
  type ExpressionBudget,
  type LabelMatcher,
  type MatchType,
} from '@gauntlet/select';
import { parser } from '@prometheus-io/lezer-promql';
import { PromqlError } from './promql-error.js';
import { StringSyntaxError, unquote } from './string-literal.js';

/** Longer queries are refused before anything looks at them. */
export const queryCharsMax = 256 * 1024;

/** What a query reads: a metric's name has become a matcher of `__name__`. */
export interface Selector {
  readonly matchers: readonly LabelMatcher[];
}

/**
 * The selectors of a query, in the order in which they stand there. Types are not checked, except that a range belongs to a selector: `rate(x)` gives the
 * selector of `x`.
 * @throws PromqlError
 */
export function selectorsOf(query: string): Selector[] {
  if (query.length > queryCharsMax)
    throw new PromqlError(`unknown position: parse error: query has more than ${queryCharsMax} characters`);
  if (/^(?:\s|#.*)*$/.test(query)) throw new PromqlError('unknown position: parse error: no expression found in input');
  const selectors: Selector[] = [];
  const budget = createExpressionBudget();
  parser.parse(query).iterate({
    enter({ type, from, node }) {
      if (type.isError) throw unexpected(query, from);
      if (type.name === 'MatrixSelector') checkRange(query, node);
      if (type.name === 'VectorSelector') selectors.push(selectorOf(query, node, budget));
    },
  });
  return selectors;
}

const metricName = '__name__';

function selectorOf(query: string, node: SyntaxNode, budget: ExpressionBudget): Selector {
  refuseErrors(query, node);
  const matchers = matchersIn(query, node.getChild('LabelMatchers'), budget);
  const identifier = node.getChild('Identifier');
  if (identifier !== null) {
    const name = textOf(query, identifier);
    const twin = matchers.find((matcher) => matcher.name === metricName);
    if (twin !== undefined) throw at(query, node, `metric name must not be set twice: "${name}" or "${twin.value}"`);
    return { matchers: [...matchers, compileMatcher('=', metricName, name)] };
  }
  if (matchers.every(({ matchesEmpty }) => matchesEmpty))
    throw at(query, node, 'vector selector must contain at least one non-empty matcher');
  return { matchers };
}

function matchersIn(query: string, braces: SyntaxNode | null, budget: ExpressionBudget): LabelMatcher[] {
  const matchers: LabelMatcher[] = [];
  for (let node = braces?.firstChild ?? null; node !== null; node = node.nextSibling)
    matchers.push(matcherOf(query, node, budget));
  return matchers;
}

function matcherOf(query: string, node: SyntaxNode, budget: ExpressionBudget): LabelMatcher {
  if (node.name === 'QuotedLabelName') return compile(query, node, '=', metricName, literalOf(query, node), budget);
  const name = node.firstChild!;
  const type = textOf(query, node.getChild('MatchOp')!) as MatchType;
  const nameText = name.name === 'QuotedLabelName' ? literalOf(query, name) : textOf(query, name);
  return compile(query, node, type, nameText, literalOf(query, node), budget);
}

function compile(
  query: string,
  node: SyntaxNode,
  type: MatchType,
  name: string,
  value: string,
  budget: ExpressionBudget,
): LabelMatcher {
  try {
    return compileMatcher(type, name, value, budget);
  } catch (error) {
    if (error instanceof MatcherError) throw at(query, node, error.message, { cause: error });
    throw error;
  }
}

function literalOf(query: string, node: SyntaxNode): string {
  const literal = node.getChild('StringLiteral')!;
  try {
    return unquote(textOf(query, literal));
  } catch (error) {
    if (error instanceof StringSyntaxError) throw at(query, literal, error.message, { cause: error });
    throw error;
  }
}

/** The grammar lets a range stand behind any expression. */
function checkRange(query: string, node: SyntaxNode): void {
  if (node.firstChild?.name !== 'VectorSelector') throw at(query, node, 'ranges only allowed for vector selectors');
}

/** Before anything is taken from a node: where the parser has lost its way, parts may be missing. */
function refuseErrors(query: string, node: SyntaxNode): void {
  node.cursor().iterate(({ type, from }) => {
    if (type.isError) throw unexpected(query, from);
  });
}

function unexpected(query: string, from: number): PromqlError {
  const rest = query.slice(from).trimStart();
  const found = rest === '' ? 'end of input' : JSON.stringify(String.fromCodePoint(rest.codePointAt(0)!));
  return at(query, { from }, `unexpected ${found}`);
}

function at(query: string, { from }: { from: number }, what: string, options?: ErrorOptions): PromqlError {
  const lines = query.slice(0, from).split('\n');
  return new PromqlError(`${lines.length}:${lines.at(-1)!.length + 1}: parse error: ${what}`, options);
}

function textOf(query: string, { from, to }: SyntaxNode): string {
  return query.slice(from, to);
}
