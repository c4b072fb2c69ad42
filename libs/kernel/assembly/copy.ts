// Copies that may write and read up to 15 or 31 bytes past their end. Every area of linear memory that they touch is followed
// by slack (`slackBytes`), so the surplus lands nowhere.

/** Free bytes behind every area, for reads and writes in steps of 16. */
export const slackBytes: usize = 64;

/**
 * Copies `length` bytes, and up to 31 more: in one go when they are no more than 32, as most names and values are, so that there is no loop whose end must be
 * guessed. Source and target do not overlap.
 */
// @ts-ignore: decorator
@inline
export function copyShort(to: usize, from: usize, length: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  if (length > 32) copySteps(to + 32, from + 32, length - 32);
}

/** Copies `length` bytes in steps of 16, at least one. Source and target do not overlap. */
// @ts-ignore: decorator
@inline
export function copySteps(to: usize, from: usize, length: usize): void {
  const end = to + length;
  do {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  } while (to < end);
}
