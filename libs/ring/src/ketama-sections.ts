import { xxh64 } from '@gauntlet/base';
import type { Endpoint } from './hashring-config.js';

/** Points of each endpoint on the ring. */
export const sectionsPerEndpoint = 1000;

/** The points of a ketama ring in ascending order, and for each the index of its endpoint. */
export interface Sections {
  readonly pointHi: Uint32Array;
  readonly pointLo: Uint32Array;
  readonly owner: Uint16Array;
}

/** Point i of an endpoint, from 1, is the hash of the text `address:i`. */
export function sectionsOf(endpoints: readonly Endpoint[]): Sections {
  const count = endpoints.length * sectionsPerEndpoint;
  const points = new Uint32Array(count * 2);
  endpoints.forEach(({ address }, index) => {
    const prefix = Buffer.from(`${address}:`);
    const bytes = Buffer.alloc(prefix.length + 4);
    prefix.copy(bytes);
    for (let i = 1; i <= sectionsPerEndpoint; i += 1) {
      xxh64(
        bytes,
        prefix.length + bytes.write(String(i), prefix.length, 'latin1'),
        points,
        (index * sectionsPerEndpoint + i - 1) * 2,
      );
    }
  });
  return sorted(points);
}

/**
 * The sections of a ring of some of the endpoints, in their order: picked from those of all, neither hashed nor sorted again.
 * @param chosen indexes of endpoints, ascending
 */
export function sectionsOfSome(all: Sections, endpointCount: number, chosen: readonly number[]): Sections {
  const absent = 0xffff;
  const indexOf = new Uint16Array(endpointCount).fill(absent);
  chosen.forEach((endpoint, index) => (indexOf[endpoint] = index));
  const some = emptySections(chosen.length * sectionsPerEndpoint);
  let at = 0;
  for (let section = 0; section < all.owner.length; section += 1) {
    const index = indexOf[all.owner[section] as number] as number;
    if (index === absent) continue;
    some.pointHi[at] = all.pointHi[section] as number;
    some.pointLo[at] = all.pointLo[section] as number;
    some.owner[at] = index;
    at += 1;
  }
  return some;
}

export function isBelow(aHi: number, aLo: number, bHi: number, bLo: number): boolean {
  return aHi < bHi || (aHi === bHi && aLo < bLo);
}

/** How many leading bits tell about as many values apart as there are sections. */
export function topBitsOf(sectionCount: number): number {
  return Math.ceil(Math.log2(sectionCount));
}

function emptySections(count: number): Sections {
  return { pointHi: new Uint32Array(count), pointLo: new Uint32Array(count), owner: new Uint16Array(count) };
}

/**
 * Points are spread evenly, so dealing them out by their top bits leaves next to no work to the insertion that follows. Equal
 * points keep the order of their endpoints.
 * @param points low and high halves
 */
function sorted(points: Uint32Array): Sections {
  const count = points.length / 2;
  const shift = 32 - topBitsOf(count);
  const next = new Uint32Array(2 ** (32 - shift) + 1);
  for (let i = 0; i < count; i += 1) {
    const bucket = ((points[i * 2 + 1] as number) >>> shift) + 1;
    next[bucket] = (next[bucket] as number) + 1;
  }
  for (let bucket = 1; bucket < next.length; bucket += 1)
    next[bucket] = (next[bucket] as number) + (next[bucket - 1] as number);

  const { pointHi, pointLo, owner } = emptySections(count);
  for (let i = 0; i < count; i += 1) {
    const bucket = (points[i * 2 + 1] as number) >>> shift;
    const at = next[bucket] as number;
    next[bucket] = at + 1;
    pointLo[at] = points[i * 2] as number;
    pointHi[at] = points[i * 2 + 1] as number;
    owner[at] = i / sectionsPerEndpoint;
  }
  for (let i = 1; i < count; i += 1) {
    const hi = pointHi[i] as number;
    const lo = pointLo[i] as number;
    const who = owner[i] as number;
    let at = i;
    for (; at > 0 && isBelow(hi, lo, pointHi[at - 1] as number, pointLo[at - 1] as number); at -= 1) {
      pointHi[at] = pointHi[at - 1] as number;
      pointLo[at] = pointLo[at - 1] as number;
      owner[at] = owner[at - 1] as number;
    }
    pointHi[at] = hi;
    pointLo[at] = lo;
    owner[at] = who;
  }
  return { pointHi, pointLo, owner };
}
