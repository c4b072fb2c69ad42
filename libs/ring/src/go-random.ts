/**
 * The random source of Go's `math/rand` (an additive lagged Fibonacci generator), which decides the members of shuffle shards:
 *
 * ```
 * state      607 words of 64 bits, and two positions: tap = 0, feed = 334
 * next       tap and feed each go back by one, cyclically; word[feed] += word[tap] mod 2^64; the result is word[feed]
 * start      word = fill(seed, 40, 20) XOR warm
 * fill       x -> 48271 x mod (2^31 - 1), begun with the seed reduced to that modulus (89482311 for 0), 20 times unused;
 *            then three values for each word: (x1 << s1) XOR (x2 << s2) XOR x3, mod 2^64
 * warm       the words of a generator that began with fill(1, 20, 10), after 7.8e12 calls of next
 * ```
 */
export class GoRandom {
  readonly #hi = new Uint32Array(stateWords);
  readonly #lo = new Uint32Array(stateWords);
  #tap = 0;
  #feed = feedStart;

  /** @param seed a signed number of 64 bits */
  constructor(seed: bigint) {
    const { hi, lo } = (warm ??= warmState());
    fill(Number(BigInt.asIntN(64, seed) % BigInt(modulus)), 40, 20, this.#hi, this.#lo);
    for (let i = 0; i < stateWords; i += 1) {
      this.#hi[i] = (this.#hi[i] as number) ^ (hi[i] as number);
      this.#lo[i] = (this.#lo[i] as number) ^ (lo[i] as number);
    }
  }

  /** The next number of 64 bits, in halves. */
  next(): { readonly hi: number; readonly lo: number } {
    const tap = (this.#tap = (this.#tap + stateWords - 1) % stateWords);
    const feed = (this.#feed = (this.#feed + stateWords - 1) % stateWords);
    const lo = (this.#lo[feed] as number) + (this.#lo[tap] as number);
    this.#hi[feed] = (this.#hi[feed] as number) + (this.#hi[tap] as number) + (lo > 0xffffffff ? 1 : 0);
    this.#lo[feed] = lo;
    return { hi: this.#hi[feed], lo: this.#lo[feed] };
  }
}

interface State {
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
}

const stateWords = 607;
const feedStart = 334;
const modulus = 2 ** 31 - 1;
const warmCalls = 7_800_000_000_000;

let warm: State | undefined;

/**
 * Calculates the warm state, once for all generators: 50 ms of CPU, less than a ring of 100 endpoints takes. To be called when a
 * configuration is loaded, so that no write waits for it.
 */
export function prepareGoRandom(): void {
  warm ??= warmState();
}

function fill(seed: number, shift1: number, shift2: number, hi: Uint32Array, lo: Uint32Array): void {
  let x = (seed < 0 ? seed + modulus : seed) || 89482311;
  const next = (): number => (x = (48271 * x) % modulus); // Below 2^47, so exact.
  for (let i = 0; i < 20; i += 1) next();
  for (let i = 0; i < stateWords; i += 1) {
    const [x1, x2, x3] = [next(), next(), next()];
    hi[i] = upper(x1, shift1) ^ upper(x2, shift2);
    lo[i] = lower(x1, shift1) ^ lower(x2, shift2) ^ x3;
  }
}

/** The halves of a shifted number of 32 bits. */
function upper(x: number, shift: number): number {
  return shift < 32 ? x >>> (32 - shift) : x << (shift - 32);
}
function lower(x: number, shift: number): number {
  return shift < 32 ? x << shift : 0;
}

/**
 * Jumps ahead by 7.8e12 calls. Results y(1), y(2), ... obey y(k) = y(k - 607) + y(k - 273), and continue the initial words read
 * as y(-606) to y(0). In polynomials: x^607 = x^334 + 1, so y moved on by N is the sum of p(i) y(i), where p is x^N reduced by
 * that rule. A polynomial is one BigInt here, a lane for each coefficient, and squaring it is one multiplication.
 */
function warmState(): State {
  const power = powerOfX(warmCalls);
  const start: State = { hi: new Uint32Array(stateWords), lo: new Uint32Array(stateWords) };
  fill(1, 20, 10, start.hi, start.lo);
  const y = Array.from({ length: stateWords }, (_, k) => {
    const word = wordOf(k - stateWords + 1);
    return (BigInt(start.hi[word] as number) << 32n) | BigInt(start.lo[word] as number);
  });
  for (let k = stateWords; k < 2 * stateWords - 1; k += 1)
    y.push(BigInt.asUintN(64, (y[k - stateWords] as bigint) + (y[k - 273] as bigint)));
  // With y in descending lanes, lane 1212 - t of the product is the sum of p(i) y(i + t).
  const product = power * BigInt(`0x${y.map((term) => term.toString(16).padStart(laneBits / 4, '0')).join('')}`);
  const state: State = { hi: new Uint32Array(stateWords), lo: new Uint32Array(stateWords) };
  for (let t = 0; t < stateWords; t += 1) {
    const term = product >> BigInt((2 * stateWords - 2 - t) * laneBits);
    const word = wordOf(warmCalls - stateWords + 1 + t);
    state.hi[word] = Number(BigInt.asUintN(32, term >> 32n));
    state.lo[word] = Number(BigInt.asUintN(32, term));
  }
  return state;
}

/** Where the result of the k-th call is kept. */
function wordOf(k: number): number {
  return (((feedStart - k) % stateWords) + stateWords) % stateWords;
}

/** Room for a sum of 607 products of 64 by 64 bits, thrice over; whole hex digits. */
const laneBits = 144;

function powerOfX(exponent: number): bigint {
  const lane = BigInt(laneBits);
  const modulusAt = BigInt(stateWords * laneBits);
  const belowModulus = (1n << modulusAt) - 1n;
  const low64 = BigInt(
    `0x${'f'
      .repeat(16)
      .padStart(laneBits / 4, '0')
      .repeat(stateWords)}`,
  );
  function reduce(polynomial: bigint): bigint {
    let rest = polynomial;
    while (rest > belowModulus) {
      const above = rest >> modulusAt;
      rest = (rest & belowModulus) + above + (above << BigInt(feedStart * laneBits));
    }
    return rest & low64;
  }
  let power = 1n;
  for (const bit of exponent.toString(2)) {
    power = reduce(power * power);
    if (bit === '1') power = reduce(power << lane);
  }
  return power;
}
