import { xxh64 } from '@gauntlet/kernel';

const whole = new BigUint64Array(1);
const halves = new Uint32Array(whole.buffer);

/** XXH64 of a chunk's bytes: its low half in `out[at]`, its high half in `out[at + 1]`. */
export function hashChunk(data: Uint8Array, out: Uint32Array, at: number): void {
  whole[0] = xxh64(data);
  out[at] = halves[0]!;
  out[at + 1] = halves[1]!;
}
