/**
 * XXH64 with seed 0, in 32-bit halves: a ring of 100 endpoints hashes 100,000 texts when it is built, and a sharded read hashes
 * every series; BigInt would take most of a second for it. Series that are written are hashed elsewhere, by a kernel; both are
 * held to the same recorded values.
 */

/**
 * The result of the last `mul`, `add` or `rotl`. Module state instead of an object, and signed, so that V8 stores small
 * integers and not boxed doubles.
 */
let hi = 0;
let lo = 0;

const prime1 = { hi: 0x9e3779b1, lo: 0x85ebca87 };
const prime2 = { hi: 0xc2b2ae3d, lo: 0x27d4eb4f };
const prime3 = { hi: 0x165667b1, lo: 0x9e3779f9 };
const prime4 = { hi: 0x85ebca77, lo: 0xc2b2ae63 };
const prime5 = { hi: 0x27d4eb2f, lo: 0x165667c5 };

// A global is looked up by name at each use where code runs in a context of its own, as tests do.
const { imul } = Math;

/** Hashes `bytes[0, length)` and writes the low half to `out[at]`, the high half to `out[at + 1]`. */
export function xxh64(bytes: Uint8Array, length: number, out: Uint32Array, at: number): void {
  let offset = 0;
  if (length >= 32) {
    offset = hashStripes(bytes, length);
  } else {
    hi = prime5.hi;
    lo = prime5.lo;
  }
  add(hi, lo, 0, length);
  for (; offset + 8 <= length; offset += 8) {
    let accHi = hi;
    let accLo = lo;
    round(0, 0, word(bytes, offset + 4), word(bytes, offset));
    accHi ^= hi;
    accLo ^= lo;
    rotl(accHi, accLo, 27);
    mul(hi, lo, prime1.hi, prime1.lo);
    add(hi, lo, prime4.hi, prime4.lo);
  }
  if (offset + 4 <= length) {
    const accHi = hi;
    const accLo = lo;
    mul(0, word(bytes, offset), prime1.hi, prime1.lo);
    rotl(accHi ^ hi, accLo ^ lo, 23);
    mul(hi, lo, prime2.hi, prime2.lo);
    add(hi, lo, prime3.hi, prime3.lo);
    offset += 4;
  }
  for (; offset < length; offset += 1) {
    const accHi = hi;
    const accLo = lo;
    mul(0, bytes[offset] as number, prime5.hi, prime5.lo);
    rotl(accHi ^ hi, accLo ^ lo, 11);
    mul(hi, lo, prime1.hi, prime1.lo);
  }
  mix();
  out[at] = lo;
  out[at + 1] = hi;
}

/** Runs the four lanes over every whole stripe of 32 bytes, merges them into `hi:lo`, and returns where the rest begins. */
function hashStripes(bytes: Uint8Array, length: number): number {
  const laneHi = [0x60ea27ee, prime2.hi, 0, 0x61c8864e];
  const laneLo = [0xadc0b5d6, prime2.lo, 0, 0x7a143579];
  let offset = 0;
  for (; offset + 32 <= length; offset += 32) {
    for (let lane = 0; lane < 4; lane += 1) {
      round(
        laneHi[lane] as number,
        laneLo[lane] as number,
        word(bytes, offset + lane * 8 + 4),
        word(bytes, offset + lane * 8),
      );
      laneHi[lane] = hi;
      laneLo[lane] = lo;
    }
  }
  let sumHi = 0;
  let sumLo = 0;
  for (let lane = 0; lane < 4; lane += 1) {
    rotl(laneHi[lane] as number, laneLo[lane] as number, [1, 7, 12, 18][lane] as number);
    add(sumHi, sumLo, hi, lo);
    sumHi = hi;
    sumLo = lo;
  }
  for (let lane = 0; lane < 4; lane += 1) {
    round(0, 0, laneHi[lane] as number, laneLo[lane] as number);
    mul(sumHi ^ hi, sumLo ^ lo, prime1.hi, prime1.lo);
    add(hi, lo, prime4.hi, prime4.lo);
    sumHi = hi;
    sumLo = lo;
  }
  return offset;
}

function round(accHi: number, accLo: number, inputHi: number, inputLo: number): void {
  mul(inputHi, inputLo, prime2.hi, prime2.lo);
  add(hi, lo, accHi, accLo);
  rotl(hi, lo, 31);
  mul(hi, lo, prime1.hi, prime1.lo);
}

function mix(): void {
  // Shifts right by 33, 29 and 32, each before its multiplication.
  mul(hi, lo ^ (hi >>> 1), prime2.hi, prime2.lo);
  mul(hi ^ (hi >>> 29), lo ^ ((lo >>> 29) | (hi << 3)), prime3.hi, prime3.lo);
  lo ^= hi;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

function add(aHi: number, aLo: number, bHi: number, bLo: number): void {
  const sum = (aLo >>> 0) + (bLo >>> 0);
  lo = sum | 0;
  hi = (aHi + bHi + (sum > 0xffffffff ? 1 : 0)) | 0;
}

function rotl(aHi: number, aLo: number, bits: number): void {
  hi = (aHi << bits) | (aLo >>> (32 - bits));
  lo = (aLo << bits) | (aHi >>> (32 - bits));
}

function mul(aHi: number, aLo: number, bHi: number, bLo: number): void {
  const a0 = aLo & 0xffff;
  const a1 = aLo >>> 16;
  const b0 = bLo & 0xffff;
  const b1 = bLo >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const carry = a0 * b1 + (middle & 0xffff);
  const top = a1 * b1 + (middle >>> 16) + (carry >>> 16);
  hi = (top + imul(aHi, bLo) + imul(aLo, bHi)) | 0;
  lo = (carry << 16) | (low & 0xffff);
}
