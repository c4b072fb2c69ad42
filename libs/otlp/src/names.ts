/** What decides about the suffixes of a metric's name. */
export type MetricKind = 'gauge' | 'counter' | 'other';

/**
 * The Prometheus name of a metric: the runs of letters, digits and colons in its name, joined by underscores, with suffixes for its
 * unit and for what it is. A token that a suffix repeats is not said twice. Empty if nothing is left.
 */
export function metricName(name: string, unit: string, kind: MetricKind): string {
  let tokens = name.split(/[^a-zA-Z0-9:]+/).filter((token) => token !== '');
  tokens.push(...unitTokens(unit, tokens));
  if (kind === 'counter') tokens = moveToEnd(tokens, 'total');
  // Only gauges: instruments count things in units of 1 against the conventions, and a counted ratio makes no sense.
  if (unit === '1' && kind === 'gauge') tokens = moveToEnd(tokens, 'ratio');
  const joined = tokens.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/**
 * The Prometheus name of an attribute, whose characters may be bytes: whatever is no ASCII letter or digit becomes an underscore, one for each
 * run. Names in double underscores keep those. Undefined if nothing but underscores is left.
 */
export function labelName(attribute: string): string | undefined {
  const reserved = attribute.length >= 4 && attribute.startsWith('__') && attribute.endsWith('__');
  const inner = (reserved ? attribute.slice(2, -2) : attribute).replace(/[^a-zA-Z0-9]+/g, '_');
  const name = reserved ? `__${inner}__` : inner;
  if (/^_*$/.test(name)) return undefined;
  return /^[0-9]/.test(name) ? `key_${name}` : name;
}

/** `By/s` is `bytes` and `per_second`. What is in braces is an annotation, no unit. */
function unitTokens(unit: string, taken: readonly string[]): string[] {
  const slash = unit.indexOf('/');
  const main = suffixOf(slash < 0 ? unit : unit.slice(0, slash), mainUnits);
  const divisor = slash < 0 ? '' : suffixOf(unit.slice(slash + 1), divisorUnits);
  const added: string[] = [];
  const perDivisor = divisor === '' || taken.includes(`per_${divisor}`) ? '' : `per_${divisor}`;
  const mainToken = taken.includes(main) ? '' : perDivisor === '' ? main : main.replace(/_$/, '');
  if (mainToken !== '') added.push(mainToken);
  if (perDivisor !== '') added.push(perDivisor);
  return added;
}

function suffixOf(unit: string, words: ReadonlyMap<string, string>): string {
  const trimmed = unit.trim();
  if (/[{}]/.test(trimmed)) return '';
  return (words.get(trimmed) ?? trimmed).replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_/, '');
}

function moveToEnd(tokens: readonly string[], last: string): string[] {
  return [...tokens.filter((token) => token !== last), last];
}

/** Units by their UCUM symbols. */
const mainUnits = new Map(
  Object.entries({
    d: 'days',
    h: 'hours',
    min: 'minutes',
    s: 'seconds',
    ms: 'milliseconds',
    us: 'microseconds',
    ns: 'nanoseconds',
    By: 'bytes',
    KiBy: 'kibibytes',
    MiBy: 'mebibytes',
    GiBy: 'gibibytes',
    TiBy: 'tibibytes',
    KBy: 'kilobytes',
    MBy: 'megabytes',
    GBy: 'gigabytes',
    TBy: 'terabytes',
    m: 'meters',
    V: 'volts',
    A: 'amperes',
    J: 'joules',
    W: 'watts',
    g: 'grams',
    Cel: 'celsius',
    Hz: 'hertz',
    '1': '',
    '%': 'percent',
  }),
);

/** What may follow a slash; here `m` is a minute. */
const divisorUnits = new Map(
  Object.entries({ s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' }),
);
