import {
  decodeCanonicalLabels,
  rowBytes,
  rowField,
  RowVerdict,
  type LabelBytes,
  type ScannedBatch,
} from '@gauntlet/kernel';
import { TenantNameError, tenantOfBytes, type TenantId } from '@gauntlet/model';
import { RequestRefusedError } from './errors.js';
import { encodeLabel, lengthPrefix, withoutField } from './series-bytes.js';
import type { ItemCounts } from './write-target.js';

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
  const rewriter = new Rewriter(subject, { relabel: rules.relabel, splitLabel: splits ? splitLabel : undefined });
  return rewriter.rewrite();
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

class Rewriter {
  readonly #subject: RewriteSubject;
  readonly #rules: RowRules;
  readonly #rows: DataView;
  /** The pieces of each tenant's tuple. */
  readonly #tuples = new Map<TenantId, Uint8Array[]>();
  /** Tenants by the bytes of the split label's value. */
  readonly #tenants = new Map<string, TenantId>();

  constructor(subject: RewriteSubject, rules: RowRules) {
    this.#subject = subject;
    this.#rules = rules;
    const { rows } = subject.batch;
    this.#rows = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  }

  rewrite(): RewrittenRequest {
    let rowCount = 0;
    let dropped = { samples: 0, histograms: 0, exemplars: 0 };
    for (let row = 0; row < this.#subject.batch.rowCount; row += 1) {
      if (this.#rewriteRow(row)) rowCount += 1;
      else dropped = addItems(dropped, this.#itemsOf(row));
    }
    return { message: this.#message(), rowCount, dropped };
  }

  /** Whether the row is kept. */
  #rewriteRow(row: number): boolean {
    const { tenant: tenantOfRequest, keepsRefusals } = this.#subject;
    const { relabel, splitLabel } = this.#rules;
    const verdict = this.#rows.getUint8(row * rowBytes + rowField.verdict);
    const series = this.#piece(row, rowField.seriesOffset, rowField.seriesLength);
    if (keepsRefusals && verdict !== RowVerdict.ok) {
      const isToldAgain = verdict === RowVerdict.emptyLabel || verdict === RowVerdict.duplicateLabel;
      this.#piecesOf(tenantOfRequest).push(isToldAgain ? series : Uint8Array.of(seriesTag, 0));
      return true;
    }
    const received = decodeCanonicalLabels(this.#piece(row, rowField.labelsOffset, rowField.labelsLength));
    let labels: readonly LabelBytes[] | undefined = relabel ? relabel(received) : received;
    if (labels === undefined) return false;
    const split = splitLabel && labels.find(([name]) => name.equals(splitLabel))?.[1];
    let tenant = tenantOfRequest;
    if (splitLabel && split && split.length > 0) {
      tenant = this.#tenantOf(split);
      // Taking the label out drops empty ones, as upstream does; nothing else moves.
      labels = labels.filter(([name, value]) => value.length > 0 && !name.equals(splitLabel));
    }
    const pieces = this.#piecesOf(tenant);
    if (labels === received) {
      pieces.push(series);
      return true;
    }
    const content = [...labels.map(([name, value]) => encodeLabel(name, value)), ...withoutField(series, labelsField)];
    pieces.push(lengthPrefix(seriesTag, bytesOf(content)), ...content);
    return true;
  }

  #piecesOf(tenant: TenantId): Uint8Array[] {
    let pieces = this.#tuples.get(tenant);
    if (!pieces) this.#tuples.set(tenant, (pieces = []));
    return pieces;
  }

  #tenantOf(value: Buffer): TenantId {
    const key = value.toString('latin1');
    let tenant = this.#tenants.get(key);
    if (tenant === undefined) {
      try {
        tenant = tenantOfBytes(value);
      } catch (error) {
        if (!(error instanceof TenantNameError)) throw error;
        throw new RequestRefusedError('SPLIT_TENANT_INVALID', 'tenant name not valid: validation error', {
          cause: error,
        });
      }
      this.#tenants.set(key, tenant);
    }
    return tenant;
  }

  #itemsOf(row: number): ItemCounts {
    return {
      samples: this.#rows.getUint32(row * rowBytes + rowField.sampleCount, true),
      histograms: this.#rows.getUint32(row * rowBytes + rowField.histogramCount, true),
      exemplars: this.#rows.getUint32(row * rowBytes + rowField.exemplarCount, true),
    };
  }

  #piece(row: number, offsetField: number, lengthField: number): Uint8Array {
    const offset = this.#rows.getUint32(row * rowBytes + offsetField, true);
    const length = this.#rows.getUint32(row * rowBytes + lengthField, true);
    return this.#subject.batch.body.subarray(offset, offset + length);
  }

  #message(): Buffer {
    const all: Uint8Array[] = [];
    for (const [tenant, pieces] of this.#tuples) {
      const name = Buffer.from(tenant);
      const named = [lengthPrefix(tenantTag, name.length), name];
      all.push(lengthPrefix(tupleTag, bytesOf(pieces) + bytesOf(named)));
      for (const piece of pieces) all.push(piece);
      all.push(...named);
    }
    return Buffer.concat(all);
  }
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
