import { compareUtf8 } from '@gauntlet/model';
import type { Pace } from './pace.js';

const textsPerLook = 256;

/** One list of several, each in the order of its bytes and without repetitions, as is the result. */
export async function mergeTexts(lists: readonly (readonly string[])[], pace: Pace): Promise<readonly string[]> {
  let rest = lists.filter(({ length }) => length > 0);
  while (rest.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let index = 0; index < rest.length; index += 2)
      merged.push(rest[index + 1] === undefined ? rest[index]! : await mergePair(rest[index]!, rest[index + 1]!, pace));
    rest = merged;
  }
  return rest[0] ?? [];
}

async function mergePair(a: readonly string[], b: readonly string[], pace: Pace): Promise<readonly string[]> {
  const merged: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const order = compareUtf8(a[i]!, b[j]!);
    merged.push(order <= 0 ? a[i]! : b[j]!);
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
    if (merged.length % textsPerLook === 0 && pace.isDue) await pace.rest();
  }
  for (; i < a.length; i += 1) merged.push(a[i]!);
  for (; j < b.length; j += 1) merged.push(b[j]!);
  return merged;
}
