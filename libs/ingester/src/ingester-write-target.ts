import { noItems, type WriteOutcome, type WriteSource, type WriteTarget } from '@gauntlet/write-http';
import { WriteFailedError } from './verdict.js';
import type { WriteService } from './write-service.js';

/** What a listener of the ingester itself writes to: the databases of this process. */
export function ingesterWriteTarget(writes: Pick<WriteService, 'ready' | 'writeSource'>): WriteTarget {
  return {
    get ready() {
      return writes.ready;
    },
    async write(source: WriteSource): Promise<WriteOutcome> {
      try {
        return await writes.writeSource(source);
      } catch (error) {
        // It was not looked at: the ingester is stopping, or short of disk or memory.
        if (!(error instanceof WriteFailedError)) throw error;
        return { verdict: 'unavailable', text: error.message, written: noItems, tenants: [] };
      }
    },
  };
}
