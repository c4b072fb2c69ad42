import type { Intake } from '@gauntlet/kernel';
import type { Plan } from './plan.js';

/** Fewer series than this are not worth a compressed piece of their own. */
export const pieceRowsMin = 64;

export interface CutOptions {
  readonly intake: Intake;
  readonly plan: Plan;
  readonly tenant: string;
  readonly encoding: 'snappy-framed' | 'identity';
}

/**
 * The messages of a plan's batches, in their order.
 *
 * The series of a tuple go to every one of its owners, so they are gathered and compressed once, as a piece, and a message is
 * its pieces one behind the other: a framed snappy stream may begin again at any chunk, and of protobuf fields that
 * come twice, lists add up and the last of the others counts. The replica number thus comes last, in a piece of its own.
 * Where tuples are small, pieces would compress badly, and each message is gathered by itself.
 */
export function cutMessages({ intake, plan, tenant, encoding }: CutOptions): Buffer[] {
  // On the wire replicas count from 1; 0 says that a write is not replicated yet.
  const { tuples, batches } = plan;
  const rowCount = tuples.reduce((sum, rows) => sum + rows.length, 0);
  if (batches.length <= tuples.length || rowCount < tuples.length * pieceRowsMin) {
    return batches.map((batch) =>
      intake.gather(
        joinRows(batch.tuples.map((tuple) => tuples[tuple] as Uint32Array)),
        tenant,
        batch.replica + 1,
        encoding,
      ),
    );
  }
  const pieces = tuples.map((rows) => intake.gather(rows, tenant, 0, encoding));
  const tails = new Map<number, Buffer>();
  return batches.map(({ replica, tuples: numbers }) => {
    let tail = tails.get(replica);
    if (!tail) tails.set(replica, (tail = intake.gather(noRows, tenant, replica + 1, encoding)));
    return Buffer.concat([...numbers.map((tuple) => pieces[tuple] as Buffer), tail]);
  });
}

const noRows = new Uint32Array(0);

function joinRows(lists: readonly Uint32Array[]): Uint32Array {
  if (lists.length === 1) return lists[0] as Uint32Array;
  const joined = new Uint32Array(lists.reduce((sum, rows) => sum + rows.length, 0));
  let at = 0;
  for (const rows of lists) {
    joined.set(rows, at);
    at += rows.length;
  }
  return joined;
}
