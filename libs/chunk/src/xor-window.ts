import type { BitReader, BitWriter } from './bit-stream.js';

/**
 * What was last said of where a value's bits differ from those of the value before. Two values are written as x, the XOR of their bits
 * (spec/tsdb.md 1.4): `0` when x is 0; `10` and x within the window; or `11`, 5 bits of leading zeros (at most 31), 6 bits of width (0
 * for 64), and x within that new window.
 */
export class XorWindow {
  lead = -1;
  trail = 0;

  write(out: BitWriter, x: bigint): void {
    if (x === 0n) return out.write(0, 1);
    const lead = Math.min(leadingZeros(x), 31);
    const trail = trailingZeros(x);
    if (this.lead >= 0 && lead >= this.lead && trail >= this.trail) {
      out.write(0b10, 2);
    } else {
      this.lead = lead;
      this.trail = trail;
      out.write(0b11, 2);
      out.write(lead, 5);
      out.write((64 - lead - trail) & 63, 6);
    }
    out.write64(x >> BigInt(this.trail), 64 - this.lead - this.trail);
  }

  /** The next x, or undefined when its window is wider than 64 bits. */
  read(input: BitReader): bigint | undefined {
    if (input.read(1) === 0) return 0n;
    if (input.read(1) === 1) return this.readAnew(input);
    return this.readAgain(input);
  }

  /** Behind the bits that announce a new window. */
  readAnew(input: BitReader): bigint | undefined {
    this.lead = input.read(5);
    const width = input.read(6) || 64;
    this.trail = 64 - this.lead - width;
    return this.trail < 0 ? undefined : this.readAgain(input);
  }

  /** Behind the bits that announce the window as it is; all 64 bits when there was none. */
  readAgain(input: BitReader): bigint {
    return input.read64(64 - Math.max(this.lead, 0) - this.trail) << BigInt(this.trail);
  }
}

function leadingZeros(x: bigint): number {
  const high = Number(x >> 32n);
  return high === 0 ? 32 + Math.clz32(Number(x & 0xffffffffn)) : Math.clz32(high);
}

function trailingZeros(x: bigint): number {
  const low = Number(x & 0xffffffffn);
  const zeros = (word: number) => 31 - Math.clz32(word & -word);
  return low === 0 ? 32 + zeros(Number(x >> 32n)) : zeros(low);
}
