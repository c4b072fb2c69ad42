/** Of a class by name, like `\pL` or `\d`: its table of ranges is as large as a long text. */
const tableCost = 10;

/**
 * About how many instructions an expression becomes, from a look at its groups and repetitions, without building anything. It errs on the high side, and
 * takes time linear in the expression. Expressions that are not valid have some cost as well.
 */
export function expressionCost(expression: string): number {
  // What each open group has cost up to now; the last atom or group is kept apart, since a repetition multiplies it.
  const outer: number[] = [];
  let done = 0;
  let last = 0;
  for (const [token] of expression.matchAll(tokens)) {
    if (token === '(') {
      outer.push(done + last);
      [done, last] = [1, 0];
    } else if (token === ')') {
      [done, last] = [outer.pop() ?? 0, done + last + 1];
    } else if (token.length > 1 && token.startsWith('{')) {
      last = (last + 1) * copiesOf(token);
    } else {
      done += last;
      last = costOfAtom(token);
    }
  }
  return outer.reduce((sum, cost) => sum + cost, done + last);
}

/** Quoted texts, escapes, classes, repetitions (the engine refuses more than 1000 by itself), and whatever else as single characters. */
const tokens =
  /\\Q(?:(?!\\E)[^])*(?:\\E)?|\\[pP]\{[^}]*\}|\\[^]|\[\^?\]?(?:\\[^]|\[:\^?\w+:\]|[^\]\\])*\]|\{\d{1,4}(?:,\d{0,4})?\}|[^]/g;

function costOfAtom(token: string): number {
  const tables = token.startsWith('[') || token.startsWith('\\') ? (token.match(/\\[pPdDsSwW]|\[:/g) ?? []).length : 0;
  return 1 + tables * tableCost + Math.floor(token.length / 4);
}

function copiesOf(repetition: string): number {
  return Math.max(1, ...repetition.slice(1, -1).split(',').map(Number));
}
