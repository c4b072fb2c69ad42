// Copies that may write and read up to 15 bytes past their end. Every area of linear memory that they touch is followed
// by slack (`slackBytes`), so the surplus lands nowhere.

/** Free bytes behind every area, for reads and writes in steps of 16. */
export const slackBytes: usize = 64;

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
