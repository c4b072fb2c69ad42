import { MiB, OperationalError } from '@gauntlet/base';
import { readGroup, rowBytes, rowField, RowVerdict, type ScannedBatch } from '@gauntlet/kernel';
import { listWal, openWal, repairWal, replayWal, type WalOptions, type WalWriter } from '@gauntlet/wal';
import type { Vfs } from '@gauntlet/vfs';

/** Below a tenant's directory; the name is no ULID and none of Prometheus' own. */
export const journalName = '.gauntlet-journal';

/** What the last round may leave in memory: applied in one turn of the event loop. */
const tailBytesMax = 4 * MiB;
/** A record ends with the series that reaches it. */
const recordBytesAim = MiB;

/** What was written a moment ago cannot be read back. */
export class JournalCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code = 'JOURNAL_CORRUPT';
}

/**
 * Where writes go while the log is still being replayed: requests as they came, framed as a write-ahead log, so that they are durable before
 * anybody knows which series they belong to. Emptied into the head when the replay is done (docs/decisions/0006-intake-journal.md).
 *
 * A record is a `prometheus.WriteRequest`: the series of one tenant's part of a request.
 */
export class Journal {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #options: WalOptions;
  readonly wal: WalWriter;
  readonly #firstSegment: number;
  /** Records since the last round began; undefined when there were too many to keep. */
  #tail: Uint8Array[] | undefined;
  #tailBytes = 0;
  #bytes = 0;

  private constructor(vfs: Vfs, dir: string, options: WalOptions, wal: WalWriter, firstSegment: number) {
    this.#vfs = vfs;
    this.#dir = dir;
    this.#options = options;
    this.wal = wal;
    this.#firstSegment = firstSegment;
  }

  static async exists(vfs: Vfs, tenantDir: string): Promise<boolean> {
    return (await vfs.stat(`${tenantDir}/${journalName}`)) !== undefined;
  }

  /** Opens the journal for writing; what an earlier process left in it is kept, up to a torn end. */
  static async open(vfs: Vfs, tenantDir: string, options: WalOptions): Promise<Journal> {
    const dir = `${tenantDir}/${journalName}`;
    let firstSegment = 0;
    if ((await vfs.stat(dir)) !== undefined) {
      const { damage } = await replayWal(vfs, dir, { ...options, fromSegment: 'first', onRecord: () => {} });
      if (damage !== undefined) await repairWal(vfs, dir, damage);
      firstSegment = (await listWal(vfs, dir)).segments[0] ?? 0;
    }
    const wal = await openWal(vfs, dir, { ...options, pendingBytesMax: Infinity });
    return new Journal(vfs, dir, options, wal, Math.min(firstSegment, wal.segment));
  }

  /** Bytes taken since it was opened. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the rows of one group; they are durable when the promise resolves. */
  append(batch: ScannedBatch, group: number): Promise<void> {
    const records = seriesOf(batch, group);
    for (const record of records) {
      this.#bytes += record.length;
      this.#tailBytes += record.length;
      if (this.#tailBytes > tailBytesMax) this.#tail = undefined;
      else this.#tail?.push(record);
    }
    this.wal.append(records);
    return this.wal.commit();
  }

  /**
   * Hands over every record, oldest first, in rounds: what arrives during one is the next, until so little is left that it is applied in one turn of the event loop. `finish` is
   * called in that same turn, so that nothing can arrive in between: from then on writes go elsewhere.
   * @param pause awaited between pieces
   */
  async drain(apply: (record: Uint8Array) => void, pause: () => Promise<void>, finish: () => void): Promise<void> {
    // Should it fail, the next one hands over all again: what was applied may not have reached the log.
    for (let from = this.#firstSegment; ;) {
      this.#tail = [];
      this.#tailBytes = 0;
      const current = await this.wal.roll();
      const { damage } = await replayWal(this.#vfs, this.#dir, {
        ...this.#options,
        fromSegment: from,
        toSegment: current - 1,
        onRecord: apply,
        onPause: pause,
      });
      if (damage !== undefined) throw new JournalCorruptError(`Cannot read journal ${this.#dir}: ${damage.problem}`);
      from = current;
      const tail = this.#tail as Uint8Array[] | undefined;
      if (tail === undefined) continue;
      for (const record of tail) apply(record);
      finish();
      return;
    }
  }

  /** Once all of it is in the log. */
  async remove(): Promise<void> {
    await this.wal.close();
    await this.#vfs.removeAll(this.#dir);
    // Not `${dir}/..`, which leads nowhere once the directory is gone.
    await this.#vfs.syncDir(this.#dir.slice(0, this.#dir.lastIndexOf('/')));
  }

  /** Leaves what it holds to the next opening. */
  close(): Promise<void> {
    return this.wal.close();
  }
}

/**
 * The series of a group as messages of their own: field 1 of either kind of request, whatever number they had in theirs. They are short ones: a head
 * refuses a request that it cannot ever have room for, and then nobody is left to be told. Rows with a verdict have been refused already, and may have no field.
 */
function seriesOf(batch: ScannedBatch, group: number): Uint8Array[] {
  const { firstRow, rowCount } = readGroup(batch, group);
  const rows = new DataView(batch.rows.buffer, batch.rows.byteOffset + firstRow * rowBytes, rowCount * rowBytes);
  const isRefused = (at: number): boolean => rows.getUint8(at + rowField.verdict) !== RowVerdict.ok;
  let bytes = 0;
  for (let at = 0; at < rows.byteLength; at += rowBytes) bytes += rows.getUint32(at + rowField.seriesLength, true);
  const record = new Uint8Array(bytes);
  const records: Uint8Array[] = [];
  let from = 0;
  let to = 0;
  for (let at = 0; at < rows.byteLength; at += rowBytes) {
    if (isRefused(at)) continue;
    if (to - from >= recordBytesAim) {
      records.push(record.subarray(from, to));
      from = to;
    }
    const offset = rows.getUint32(at + rowField.seriesOffset, true);
    const end = offset + rows.getUint32(at + rowField.seriesLength, true);
    let tagEnd = offset;
    while (batch.body[tagEnd]! >= 0x80) tagEnd += 1;
    record[to] = 0x0a;
    record.set(batch.body.subarray(tagEnd + 1, end), to + 1);
    to += end - tagEnd;
  }
  if (to > from) records.push(record.subarray(from, to));
  return records;
}
