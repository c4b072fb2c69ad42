/** Of the HTTP API that a Querier and a Prometheus have in common. */
export interface Answer {
  readonly status: string;
  readonly data: unknown;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

/** One question to the HTTP API. */
export interface Question {
  readonly path: string;
  readonly params: readonly (readonly [name: string, value: string])[];
}

export const textOf = ({ path, params }: Question): string =>
  `${path}?${params.map(([name, value]) => `${name}=${value}`).join('&')}`;

export async function ask({ http }: { readonly http: string }, { path, params }: Question): Promise<Answer> {
  const query = new URLSearchParams(params.map(([name, value]): [string, string] => [name, value])).toString();
  const response = await fetch(`http://${http}/api/v1/${path}?${query}`);
  const { data, ...answer } = (await response.json()) as Answer;
  // Only a Querier has it.
  if (isObject(data)) delete data['analysis'];
  return { ...answer, data };
}

/** The first difference of two answers, whatever the order of series: floats by value, up to the order in which they were added. */
export function answerDifference(expected: Answer, found: Answer): string | undefined {
  if (expected.status !== found.status) return `${expected.status} and ${found.status} ${found.error ?? ''}`;
  return difference(sorted(expected.data), sorted(found.data), '');
}

function difference(expected: unknown, found: unknown, at: string): string | undefined {
  if (isObject(expected) && isObject(found)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const one = difference(expected[name], found[name], `${at}/${name}`);
      if (one !== undefined) return one;
    }
    return undefined;
  }
  return expected === found || areClose(expected, found)
    ? undefined
    : `${at}: expected ${JSON.stringify(expected)?.slice(0, 200)}, found ${JSON.stringify(found)?.slice(0, 200)}`;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const relativeErrorMax = 1e-12;

function areClose(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string' || one === '' || other === '') return false;
  const [a, b] = [Number(one), Number(other)];
  return Math.abs(a - b) <= relativeErrorMax * Math.max(Math.abs(a), Math.abs(b));
}

/** Lists of series in the order of their labels, and of texts in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = value.map(sorted);
    return items.every((item) => typeof item === 'string' || labelsOf(item) !== undefined)
      ? [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
      : items;
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => [name, sorted(item)]),
  );
}

const keyOf = (item: unknown): string => (typeof item === 'string' ? item : JSON.stringify(labelsOf(item)));

/** The labels that an item of a list stands for: of a vector, of exemplars, or an item of `series`. */
function labelsOf(item: unknown): unknown {
  if (!isObject(item) || Array.isArray(item)) return undefined;
  return item['metric'] ?? item['seriesLabels'] ?? ('__name__' in item ? item : undefined);
}
