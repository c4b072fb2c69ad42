/**
 * How much less than the nearest double each bound of schema 8 is, as promtool 3.14 prints it: units in the last place, plus one. The
 * bounds of lower schemas are among these.
 */
const corrections =
  '1111112111211111112311222222222211211121122211221122102211221122' +
  '1111112222332132112111211112111111121011213311221222112121332222' +
  '2121223322322122222222323233323311221121223321332233212232332232' +
  '2243223233433343333333444455435422322333324422333243223333543344';

const precision = 200n;
const powers = powersOfTwo();

/**
 * The upper bound of a bucket of an exponential schema (-4 to 8), 2^(index × 2^-schema), with the digits that Prometheus prints: its table
 * of the bounds between 1/2 and 1 is not the nearest double everywhere.
 */
export function bucketBound(schema: number, index: number): number {
  const perDoubling = 2 ** Math.max(0, schema);
  const exponent = schema < 0 ? index * 2 ** -schema : Math.floor(index / perDoubling);
  const fraction = schema < 0 ? 0 : index - exponent * perDoubling;
  // The largest number lies just below the bound that it stands for.
  if (exponent === 1024 && fraction === 0) return Number.MAX_VALUE;
  return ldexp(powers[(fraction * 256) / perDoubling]!, exponent + 1);
}

/** 2^(i/256) / 2 for i from 0 to 255. */
function powersOfTwo(): number[] {
  const one = 1n << precision;
  // Roots: 2^(1/2), 2^(1/4) ... 2^(1/256).
  const roots: bigint[] = [];
  for (let root = 2n * one; roots.length < 8;) roots.push((root = squareRoot(root << precision)));
  return Array.from({ length: 256 }, (_, index) => {
    let power = one;
    for (const [bit, root] of roots.entries()) if ((index >> (7 - bit)) & 1) power = (power * root) >> precision;
    const rounded = ((power >> (precision - 53n)) + 1n) >> 1n;
    return (Number(rounded) + 1 - Number(corrections[index])) * 2 ** -53;
  });
}

function squareRoot(square: bigint): bigint {
  let root = square;
  for (let next = (square + 1n) >> 1n; next < root; next = (root + square / root) >> 1n) root = next;
  return root;
}

/** In two steps: 2^1024 and 2^-1074 are no factors. */
function ldexp(fraction: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return fraction * 2 ** half * 2 ** (exponent - half);
}
