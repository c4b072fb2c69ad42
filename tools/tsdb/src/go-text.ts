import type { Labels } from '@gauntlet/model';

/** A number as Go's `%g` writes it: the shortest digits that mean it, with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent < -4 || exponent >= exponentFrom) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  return plainDecimal(mantissa, exponent);
}

const exponentFrom = 6;

function plainDecimal(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

const escapes = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A string literal as Go's `strconv.Quote` writes it. */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text)
    quoted += escapes.get(character) ?? (printable.test(character) ? character : escaped(character));
  return `${quoted}"`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = (digits: number): string => code.toString(16).padStart(digits, '0');
  if (code < 0x20 || code === 0x7f) return `\\x${hex(2)}`;
  return code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** `{__name__="up", job="a", "my.label"="b"}` */
export function labelsText(labels: Labels): string {
  const pairs = labels.map(({ name, value }) => `${plainName.test(name) ? name : goQuote(name)}=${goQuote(value)}`);
  return `{${pairs.join(', ')}}`;
}

/** `up{job="a"}`; names are not quoted, whatever they are, as promtool does it. */
export function openMetricsLabels(labels: Labels): string {
  const name = labels.find((label) => label.name === '__name__')?.value ?? '';
  const pairs = labels
    .filter((label) => label.name !== '__name__')
    .map((label) => `${label.name}=${goQuote(label.value)}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}
