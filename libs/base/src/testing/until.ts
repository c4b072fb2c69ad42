const pollMs = 2;

/** Resolves once the condition holds; fails, naming `what` it waited for, when it does not come in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 10_000, what = 'the condition' } = {},
): Promise<void> {
  const giveUpMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > giveUpMs) throw new Error(`Cannot wait longer than ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
