/** A broken promise of our own code. Only the process edge catches it: log, exit, replay. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/**
 * States what must hold for the code below to make sense. Never used on bytes from a client, a disk or a peer:
 * those are operational errors.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}
