import { rowBytes, rowField, RowVerdict, type LabelBytes, type ScannedBatch } from '@gauntlet/kernel';
import { TenantNameError, tenantOfBytes, type TenantId } from '@gauntlet/model';
import { ByteWriter, prefixBytesMax, varintBytes } from './byte-writer.js';
import { RequestRefusedError } from './errors.js';
import { FieldWalk } from './field-walk.js';
import { LabelWalk } from './label-walk.js';
import { rowItems } from './row-items.js';
import { noItems, type ItemCounts } from './write-target.js';

/** Applies relabelling rules; undefined drops the series. */
export type Relabel = (labels: readonly LabelBytes[]) => readonly LabelBytes[] | undefined;

export interface RewriteRules {
  readonly relabel?: Relabel | undefined;
  /** Names the tenant of each series that has it, and is taken out of it. */
  readonly splitLabel?: string | undefined;
}

export interface RewriteSubject {
  readonly batch: ScannedBatch;
  /** Of series that name none themselves. */
  readonly tenant: TenantId;
  /**
   * Whether series that are refused already stay so, untouched by rules: as remote write 2.0 has it, which refuses more than what the new
   * message can say. An empty series, refused too, stands for what it cannot.
   */
  readonly keepsRefusals: boolean;
}

export interface RewrittenRequest {
  /** thanos.WriteRequest, with a tuple (field 4) for each tenant. */
  readonly message: Buffer;
  readonly rowCount: number;
  /** What the rules have dropped. */
  readonly dropped: ItemCounts;
}

const seriesTag = 0x0a;
const tenantTag = 0x12;
const tupleTag = 0x22;
const labelTag = 0x0a;
const nameTag = 0x0a;
const valueTag = 0x12;
/** The labels among the fields of a series. */
const labelsField = 1;

/**
 * Applies relabelling and the split label. A series keeps its other fields (samples, histograms, exemplars, and what we do not know) byte for byte.
 * Returns undefined where there is nothing to change. Leaves the intake alone, so that the batch stays valid.
 * @throws RequestRefusedError SPLIT_TENANT_INVALID: the whole request fails then
 */
export function rewriteRequest(subject: RewriteSubject, rules: RewriteRules): RewrittenRequest | undefined {
  const { batch } = subject;
  const splitLabel = rules.splitLabel === undefined ? undefined : Buffer.from(rules.splitLabel);
  const body = Buffer.from(batch.body.buffer, batch.body.byteOffset, batch.body.length);
  // A name that is nowhere in the body is in no series.
  const splits = splitLabel !== undefined && (rules.relabel !== undefined || body.includes(splitLabel));
  if (rules.relabel === undefined && !splits) return undefined;
  return new Rewriter(subject, body, { relabel: rules.relabel, splitLabel: splits ? splitLabel : undefined }).rewrite();
}

export function addItems(a: ItemCounts, b: ItemCounts): ItemCounts {
  return {
    samples: a.samples + b.samples,
    histograms: a.histograms + b.histograms,
    exemplars: a.exemplars + b.exemplars,
  };
}

interface RowRules {
  readonly relabel: Relabel | undefined;
  readonly splitLabel: Buffer | undefined;
}

/** A tenant of the request, with its tuple in the making. */
interface Tuple {
  readonly name: Buffer;
  seriesBytes: number;
}

/** A series that is kept: where it lies among what was written, and the number of its tuple. */
interface KeptSeries {
  readonly start: number;
  readonly end: number;
  readonly tuple: number;
}

class Rewriter {
  readonly #subject: RewriteSubject;
  readonly #body: Buffer;
  readonly #rules: RowRules;
  readonly #rows: DataView;
  /** The kept series, in the order of the request. */
  readonly #written: ByteWriter;
  readonly #kept: KeptSeries[] = [];
  readonly #tuples: Tuple[] = [];
  /** Numbers of tuples by the bytes of their tenants. */
  readonly #tupleOf = new Map<string, number>();
  #requestTuple: number | undefined;
  readonly #walk = new FieldWalk();
  readonly #labels: LabelWalk;

  constructor(subject: RewriteSubject, body: Buffer, rules: RowRules) {
    this.#subject = subject;
    this.#body = body;
    this.#labels = new LabelWalk(body);
    this.#rules = rules;
    const { rows } = subject.batch;
    this.#rows = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
    this.#written = new ByteWriter(body.length);
  }

  rewrite(): RewrittenRequest {
    let dropped = noItems;
    const { batch } = this.#subject;
    for (let row = 0; row < batch.rowCount; row += 1)
      if (!this.#rewriteRow(row * rowBytes)) dropped = addItems(dropped, rowItems(batch, row));
    return { message: this.#message(), rowCount: this.#kept.length, dropped };
  }

  /** @returns whether the row at this place is kept */
  #rewriteRow(row: number): boolean {
    const verdict = this.#rows.getUint8(row + rowField.verdict);
    if (this.#subject.keepsRefusals && verdict !== RowVerdict.ok) {
      const isToldAgain = verdict === RowVerdict.emptyLabel || verdict === RowVerdict.duplicateLabel;
      this.#keep(this.#tupleOfRequest(), () =>
        isToldAgain ? this.#copySeries(row) : this.#written.prefix(seriesTag, 0),
      );
      return true;
    }
    const labelsStart = this.#rows.getUint32(row + rowField.labelsOffset, true);
    const labelsEnd = labelsStart + this.#rows.getUint32(row + rowField.labelsLength, true);
    const { relabel } = this.#rules;
    if (relabel) {
      const received = this.#readLabels(labelsStart, labelsEnd);
      const labels = relabel(received);
      if (labels === undefined) return false;
      if (labels !== received) {
        this.#keepRelabelled(row, labels);
        return true;
      }
    }
    const tuple = this.#findSplit(labelsStart, labelsEnd);
    if (tuple === undefined) this.#keep(this.#tupleOfRequest(), () => this.#copySeries(row));
    else this.#keepSeries(tuple, row, () => this.#copyLabels(labelsStart, labelsEnd));
    return true;
  }

  #keepRelabelled(row: number, labels: readonly LabelBytes[]): void {
    const { splitLabel } = this.#rules;
    const split = splitLabel && labels.find(([name]) => name.equals(splitLabel))?.[1];
    if (splitLabel === undefined || split === undefined || split.length === 0) {
      this.#keepSeries(this.#tupleOfRequest(), row, () => {
        for (const label of labels) this.#writeLabel(label);
      });
      return;
    }
    this.#keepSeries(this.#tupleOfTenant(split), row, () => {
      for (const label of labels) if (label[1].length > 0 && !label[0].equals(splitLabel)) this.#writeLabel(label);
    });
  }

  #keep(tuple: number, write: () => void): void {
    const start = this.#written.length;
    write();
    this.#note(tuple, start);
  }

  /** Keeps a series with other labels. */
  #keepSeries(tuple: number, row: number, writeLabels: () => void): void {
    this.#written.skip(prefixBytesMax);
    const contentStart = this.#written.length;
    writeLabels();
    this.#copyRest(row);
    const start = this.#written.prefixBefore(contentStart, seriesTag, this.#written.length - contentStart);
    this.#note(tuple, start);
  }

  #note(tuple: number, start: number): void {
    const end = this.#written.length;
    this.#kept.push({ start, end, tuple });
    this.#tuples[tuple]!.seriesBytes += end - start;
  }

  #copySeries(row: number): void {
    const start = this.#rows.getUint32(row + rowField.seriesOffset, true);
    this.#written.append(this.#body, start, start + this.#rows.getUint32(row + rowField.seriesLength, true));
  }

  /** All fields of a series but its labels. */
  #copyRest(row: number): void {
    const start = this.#rows.getUint32(row + rowField.seriesOffset, true);
    const end = start + this.#rows.getUint32(row + rowField.seriesLength, true);
    const labelsStart = this.#rows.getUint32(row + rowField.labelsOffset, true);
    const labelsEnd = labelsStart + this.#rows.getUint32(row + rowField.labelsLength, true);
    const walk = this.#walk;
    walk.enter(this.#body, start, end);
    walk.next(); // The series itself, as a field of the request.
    let keptFrom = walk.contentStart;
    if (labelsStart >= keptFrom && labelsEnd <= end && labelsStart < labelsEnd) {
      // Canonical labels within the series are all that it has, in one run.
      this.#written.append(this.#body, keptFrom, labelsStart);
      this.#written.append(this.#body, labelsEnd, end);
      return;
    }
    walk.enter(this.#body, keptFrom, end);
    while (walk.next()) {
      if (walk.number !== labelsField) continue;
      this.#written.append(this.#body, keptFrom, walk.start);
      keptFrom = walk.end;
    }
    this.#written.append(this.#body, keptFrom, end);
  }

  /** Labels as pieces of the body, which hold until the intake is used again. */
  #readLabels(labelsStart: number, labelsEnd: number): LabelBytes[] {
    const read: LabelBytes[] = [];
    const labels = this.#labels;
    labels.enter(labelsStart, labelsEnd);
    while (labels.next())
      read.push([
        this.#body.subarray(labels.nameStart, labels.nameEnd),
        this.#body.subarray(labels.valueStart, labels.end),
      ]);
    return read;
  }

  /** The tuple that the canonical labels of a series name; undefined where they name none. */
  #findSplit(labelsStart: number, labelsEnd: number): number | undefined {
    const { splitLabel } = this.#rules;
    if (splitLabel === undefined) return undefined;
    const labels = this.#labels;
    labels.enter(labelsStart, labelsEnd);
    while (labels.next()) {
      if (!labels.hasName(splitLabel)) continue;
      return labels.isValueEmpty ? undefined : this.#tupleOfTenant(this.#body.subarray(labels.valueStart, labels.end));
    }
    return undefined;
  }

  /** Canonical labels but the split label. Empty ones go with it, as upstream has it; nothing else moves. */
  #copyLabels(labelsStart: number, labelsEnd: number): void {
    const splitLabel = this.#rules.splitLabel!;
    const labels = this.#labels;
    let keptFrom = labelsStart;
    labels.enter(labelsStart, labelsEnd);
    while (labels.next()) {
      if (!labels.isValueEmpty && !labels.hasName(splitLabel)) continue;
      this.#written.append(this.#body, keptFrom, labels.start);
      keptFrom = labels.end;
    }
    this.#written.append(this.#body, keptFrom, labelsEnd);
  }

  #writeLabel([name, value]: LabelBytes): void {
    const nameBytes = 1 + varintBytes(name.length) + name.length;
    this.#written.prefix(labelTag, nameBytes + 1 + varintBytes(value.length) + value.length);
    this.#written.prefix(nameTag, name.length);
    this.#written.append(name);
    this.#written.prefix(valueTag, value.length);
    this.#written.append(value);
  }

  #tupleOfRequest(): number {
    return (this.#requestTuple ??= this.#tupleOfTenant(Buffer.from(this.#subject.tenant)));
  }

  #tupleOfTenant(bytes: Buffer): number {
    const key = bytes.toString('latin1');
    const known = this.#tupleOf.get(key);
    if (known !== undefined) return known;
    const tuple = this.#tuples.length;
    if (tuple === tenantsMax)
      throw new RequestRefusedError('SPLIT_TENANTS_TOO_MANY', `too many tenants in one request: ${tenantsMax} at most`);
    this.#tuples.push({ name: Buffer.from(tenantOf(bytes)), seriesBytes: 0 });
    this.#tupleOf.set(key, tuple);
    return tuple;
  }

  /** Brings the series together by their tenants. */
  #message(): Buffer {
    const seriesOf = this.#tuples.map((): KeptSeries[] => []);
    for (const series of this.#kept) seriesOf[series.tuple]!.push(series);
    const written = this.#written.bytes;
    const sizes = this.#tuples.map(({ name, seriesBytes }) => seriesBytes + 1 + varintBytes(name.length) + name.length);
    const message = new ByteWriter(sizes.reduce((sum, size) => sum + prefixBytesMax + size, 0));
    this.#tuples.forEach(({ name }, tuple) => {
      message.prefix(tupleTag, sizes[tuple]!);
      for (const { start, end } of seriesOf[tuple]!) message.append(written, start, end);
      message.prefix(tenantTag, name.length);
      message.append(name);
    });
    return message.bytes;
  }
}

/** Each tenant of a request is a message to each of its owners. */
export const tenantsMax = 500;

/** @throws RequestRefusedError SPLIT_TENANT_INVALID */
function tenantOf(value: Buffer): TenantId {
  try {
    return tenantOfBytes(value);
  } catch (error) {
    if (!(error instanceof TenantNameError)) throw error;
    throw new RequestRefusedError('SPLIT_TENANT_INVALID', 'tenant name not valid: validation error', { cause: error });
  }
}
