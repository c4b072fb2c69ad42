import type { RejectedItem, Rejection, RejectionReason } from '@gauntlet/remote-write';
import { noRejections, type Rejections } from '../head.js';

/** One item that was refused, as `series item index reason`. */
export const refusedItem = (series: number, item: RejectedItem, at: number, reason: RejectionReason): string =>
  `${series} ${item} ${at} ${reason}`;

/** The items of runs one by one, sorted: shards refuse theirs one after the other. */
export function refusedItems(rejections: Iterable<Rejection>): string[] {
  return [...rejections]
    .flatMap(({ series, item, first, count, reason }) =>
      Array.from({ length: count }, (_, i) => refusedItem(series, item, first + i, reason)),
    )
    .sort();
}

/** How many of them have which reason. */
export function countItems(items: readonly string[]): Rejections {
  const counts = noRejections();
  for (const item of items) counts[item.split(' ')[3] as RejectionReason] += 1;
  return counts;
}
