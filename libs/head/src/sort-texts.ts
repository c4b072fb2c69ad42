import { compareUtf8 } from '@gauntlet/model';
import type { Pace } from '@gauntlet/select';

/** Texts that the engine sorts in one go. */
const runLength = 1024;
const textsPerLook = 256;

/** Sorts texts by the bytes of their UTF-8, in slices; the array is used up. */
export async function sortTexts(texts: string[], pace: Pace): Promise<string[]> {
  let isPlain = true;
  let from = texts;
  for (let begin = 0; begin < from.length; begin += runLength) {
    const run = from.slice(begin, begin + runLength);
    // The order of UTF-16 is that of bytes, unless a text has surrogates: these come before characters that are smaller.
    // Runs that were sorted before the first surrogate have none.
    if (run.some((text) => surrogate.test(text))) isPlain = false;
    if (isPlain) run.sort();
    else run.sort(compareUtf8);
    for (let i = 0; i < run.length; i += 1) from[begin + i] = run[i]!;
    if (pace.isDue) await pace.rest();
  }
  const isBefore = isPlain ? (a: string, b: string) => a <= b : (a: string, b: string) => compareUtf8(a, b) <= 0;
  let into = from.length > runLength ? from.slice() : [];
  for (let width = runLength; width < from.length; width *= 2) {
    for (let begin = 0; begin < from.length; begin += 2 * width) {
      const middle = Math.min(begin + width, from.length);
      const end = Math.min(middle + width, from.length);
      for (let out = begin, left = begin, right = middle; out < end; out += 1) {
        const takesLeft = left < middle && (right === end || isBefore(from[left]!, from[right]!));
        into[out] = takesLeft ? from[left++]! : from[right++]!;
        if (out % textsPerLook === 0 && pace.isDue) await pace.rest();
      }
    }
    [from, into] = [into, from];
  }
  return from;
}

const surrogate = /[\ud800-\udfff]/;
