import { messageOf, type Log } from '@gauntlet/base';

/** Tells the log of our own bugs, whose text nobody else sees. `where` is what failed: a call of gRPC, or remote write. */
export function tellInternalErrors(log: Log): (error: unknown, where?: string) => void {
  return (error, where = 'remote write') =>
    log.error('request failed', {
      where,
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
}
