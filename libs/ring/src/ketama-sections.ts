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

/**
 * Points of endpoints, low and high halves, in the order of the endpoints. Point i of an endpoint, from 1, is the hash of the
 * text `address:i`.
 */
export function pointsOf(endpoints: readonly Endpoint[]): Uint32Array {
  const points = new Uint32Array(endpoints.length * sectionsPerEndpoint * 2);
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
  return points;
}

/** The points of some of the endpoints, so that a ring of those needs no hashing. */
export function pointsOfSome(points: Uint32Array, chosen: readonly number[]): Uint32Array {
  const each = sectionsPerEndpoint * 2;
  const some = new Uint32Array(chosen.length * each);
  chosen.forEach((endpoint, i) => some.set(points.subarray(endpoint * each, (endpoint + 1) * each), i * each));
  return some;
}

/**
 * Sorts points. They are spread evenly, so dealing them out by their top bits leaves next to no work to the insertion that
 * follows. Equal points keep the order of their endpoints.
 */
export function sectionsOf(points: Uint32Array): Sections {
  const count = points.length / 2;
  const shift = 32 - topBitsOf(count);
  const next = new Uint32Array(2 ** (32 - shift) + 1);
  for (let i = 0; i < count; i += 1) {
    const bucket = ((points[i * 2 + 1] as number) >>> shift) + 1;
    next[bucket] = (next[bucket] as number) + 1;
  }
  for (let bucket = 1; bucket < next.length; bucket += 1)
    next[bucket] = (next[bucket] as number) + (next[bucket - 1] as number);

  const pointHi = new Uint32Array(count);
  const pointLo = new Uint32Array(count);
  const owner = new Uint16Array(count);
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

export function isBelow(aHi: number, aLo: number, bHi: number, bLo: number): boolean {
  return aHi < bHi || (aHi === bHi && aLo < bLo);
}

/** How many leading bits tell about as many values apart as there are sections. */
export function topBitsOf(sectionCount: number): number {
  return Math.ceil(Math.log2(sectionCount));
}
