/**
 * Damage for tests of readers: changed copies of a good file, each made from a seed alone, so that a printed seed makes the
 * same copy again.
 */
export interface Mutation {
  readonly seed: number;
  /** What was done, in words: `byte 17: bit 3 flipped`. */
  readonly what: string;
  readonly bytes: Buffer;
}

export interface MutationOptions {
  /** Only bytes from here on are touched; 0 by default. */
  readonly from?: number;
  /** Bytes before this are touched only; the file's length by default. */
  readonly to?: number;
  /** Keep the length: nothing is cut, added, or moved. For what lies between a length and a checksum. */
  readonly keepsLength?: boolean;
  /** Called with every copy, to make checksums right again, so that the damage reaches the parser behind them. */
  readonly repair?: (bytes: Buffer) => Buffer | void;
}

/**
 * `count` changed copies of `bytes`. Number n is made from the seed `seed + n`: `mutate(bytes, seed + n, options)` is that copy.
 * A copy has one change, or up to three; it may by chance equal the original.
 */
export function* mutations(
  bytes: Uint8Array,
  seed: number,
  count: number,
  options: MutationOptions = {},
): Generator<Mutation> {
  for (let n = 0; n < count; n += 1) yield mutate(bytes, seed + n, options);
}

/** The copy of one seed. */
export function mutate(bytes: Uint8Array, seed: number, options: MutationOptions = {}): Mutation {
  const random = randomOf(seed);
  const kinds = options.keepsLength ? inPlace : [...inPlace, ...resizing];
  let copy: Buffer = Buffer.from(bytes);
  const from = Math.min(options.from ?? 0, copy.length);
  const tail = copy.length - Math.min(options.to ?? copy.length, copy.length);
  const done: string[] = [];
  // Mostly one change: two often hide behind the first check that fails.
  for (let left = [1, 1, 1, 2, 3][random(5)]!; left > 0; left -= 1) {
    const change = kinds[random(kinds.length)]!;
    const region = { from, to: Math.max(from, copy.length - tail) };
    const changed = change(copy, region, random);
    if (changed === undefined) continue;
    copy = changed.bytes;
    done.push(changed.what);
  }
  copy = options.repair?.(copy) ?? copy;
  return { seed, what: done.join('; ') || 'nothing', bytes: copy };
}

/**
 * Runs `check` on each of `count` mutations, and makes an error of it say which seed fails. `GAUNTLET_SEED=n` runs seed n alone.
 */
export async function forEachMutation(
  bytes: Uint8Array,
  { seed = 1, count, ...options }: MutationOptions & { readonly seed?: number; readonly count: number },
  check: (mutation: Mutation) => Promise<void> | void,
): Promise<void> {
  const only = process.env['GAUNTLET_SEED'];
  const first = only === undefined ? seed : Number(only);
  for (const mutation of mutations(bytes, first, only === undefined ? count : 1, options)) {
    try {
      await check(mutation);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`With seed ${mutation.seed} (${mutation.what}): ${text}`, { cause: error });
    }
  }
}

/** An integer from 0 to below `end`. */
type Random = (end: number) => number;
interface Region {
  readonly from: number;
  readonly to: number;
}
/** Undefined: not possible here. */
type Change = (bytes: Buffer, region: Region, random: Random) => { bytes: Buffer; what: string } | undefined;

/** What length fields and varints are most likely to choke on. */
const wordsOfInterest = [0, 1, 0x7f, 0x80, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const varintsOfInterest = [
  'ff',
  '80',
  '8000',
  'ffffffff0f',
  'ffffffff7f',
  'ffffffffffffff0f',
  'ffffffffffffffffff01',
].map((hex) => Buffer.from(hex, 'hex'));

const inPlace: readonly Change[] = [
  (bytes, region, random) => {
    const at = position(region, random);
    if (at === undefined) return undefined;
    const bit = random(8);
    bytes[at]! ^= 1 << bit;
    return { bytes, what: `byte ${at}: bit ${bit} flipped` };
  },
  (bytes, region, random) => {
    const at = position(region, random);
    if (at === undefined) return undefined;
    const value = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)]!;
    bytes[at] = value;
    return { bytes, what: `byte ${at}: set to ${value}` };
  },
  (bytes, { from, to }, random) => {
    if (to - from < 4) return undefined;
    const at = from + random(to - from - 3);
    const word = wordsOfInterest[random(wordsOfInterest.length)]!;
    bytes.writeUInt32BE(word, at);
    return { bytes, what: `bytes ${at} to ${at + 3}: set to ${word}` };
  },
  (bytes, { from, to }, random) => {
    const varint = varintsOfInterest[random(varintsOfInterest.length)]!;
    if (to - from < varint.length) return undefined;
    const at = from + random(to - from - varint.length + 1);
    varint.copy(bytes, at);
    return { bytes, what: `bytes from ${at} on: set to ${varint.toString('hex')}` };
  },
  (bytes, region, random) => {
    const range = rangeIn(region, random);
    const value = random(2) * 255;
    bytes.fill(value, range.from, range.to);
    return { bytes, what: `bytes ${range.from} to ${range.to - 1}: filled with ${value}` };
  },
  (bytes, region, random) => {
    // Sound pieces in the wrong place pass checks that noise does not.
    const range = rangeIn(region, random);
    const source = random(Math.max(1, bytes.length - (range.to - range.from) + 1));
    Buffer.from(bytes.subarray(source, source + range.to - range.from)).copy(bytes, range.from);
    return { bytes, what: `bytes ${range.from} to ${range.to - 1}: copied over from ${source}` };
  },
];

const resizing: readonly Change[] = [
  (bytes, { from, to }, random) => {
    const at = from + random(to - from + 1);
    return { bytes: bytes.subarray(0, at), what: `cut at ${at}` };
  },
  (bytes, _, random) => {
    const count = [1, 4, 8, 1 + random(1000)][random(4)]!;
    const more = Buffer.from(Array.from({ length: count }, [() => 0, () => 255, () => random(256)][random(3)]!));
    return { bytes: Buffer.concat([bytes, more]), what: `${count} bytes added at the end` };
  },
  (bytes, region, random) => {
    const { from, to } = rangeIn(region, random);
    const kept = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    return { bytes: kept, what: `bytes ${from} to ${to - 1}: taken out` };
  },
  (bytes, region, random) => {
    const { from, to } = rangeIn(region, random);
    const at = region.from + random(region.to - region.from + 1);
    const longer = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at)]);
    return { bytes: longer, what: `bytes ${from} to ${to - 1}: repeated at ${at}` };
  },
  (bytes, { from, to }, random) => {
    const at = from + random(to - from + 1);
    const varint = varintsOfInterest[random(varintsOfInterest.length)]!;
    const longer = Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at)]);
    return { bytes: longer, what: `${varint.toString('hex')} put in at ${at}` };
  },
];

function position({ from, to }: Region, random: Random): number | undefined {
  return to > from ? from + random(to - from) : undefined;
}

/** Short ranges mostly: long ones destroy everything, and find little. */
function rangeIn({ from, to }: Region, random: Random): Region {
  const lengthMax = [4, 16, 64, to - from][random(4)]!;
  const start = from + random(to - from + 1);
  return { from: start, to: Math.min(to, start + 1 + random(Math.max(1, lengthMax))) };
}

/** splitmix32: neighbouring seeds give unrelated numbers. */
function randomOf(seed: number): Random {
  let state = seed | 0;
  return (end) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % end;
  };
}
