import { OperationalError } from '@gauntlet/base';
import { MessageError } from '@gauntlet/kernel';
import { ProtobufReader } from './protobuf-reader.js';
import { ProtobufWriter } from './protobuf-writer.js';
import type { RejectedItem, Rejection, RejectionReason } from './rejection.js';

/** Fields of WriteResponse and Rejection (proto/gauntlet/write/v1/write.proto). */
const rejectionsField = 1001;
const seriesField = 1;
const itemField = 2;
const firstField = 3;
const countField = 4;
const reasonField = 5;

/** Numbers are for ever: both sides may be of any version. 0 is what a reader does not know. */
const itemNumbers: Readonly<Record<RejectedItem, number>> = { series: 1, sample: 2, histogram: 3, exemplar: 4 };
const reasonNumbers: Readonly<Record<RejectionReason, number>> = {
  unknown: 0,
  emptyLabel: 1,
  duplicateLabel: 2,
  unsortedLabel: 3,
  badReference: 4,
  nameMissing: 5,
  notUtf8: 6,
  noItems: 7,
  outOfBounds: 8,
  outOfOrder: 9,
  duplicate: 10,
  tooOld: 11,
  invalidHistogram: 12,
  exemplarOutOfOrder: 13,
  exemplarLabels: 14,
  seriesLimit: 15,
  exemplarWithoutSeries: 16,
};
const items = new Map(Object.entries(itemNumbers).map(([name, number]) => [number, name as RejectedItem]));
const reasons = new Map(Object.entries(reasonNumbers).map(([name, number]) => [number, name as RejectionReason]));

/** Runs that one answer lists at most. With more, the answer is a status. */
export const rejectionsMax = 131_072;

/** The answer of an ingester cannot be understood: what it has stored is not known. */
export class RejectionsMalformedError extends OperationalError {
  readonly kind = 'unavailable';
  readonly code = 'REJECTIONS_MALFORMED';
  readonly byteOffset: number;

  constructor(found: string, byteOffset: number, options?: ErrorOptions) {
    super(`Cannot decode rejections: ${found} at byte ${byteOffset}`, options);
    this.byteOffset = byteOffset;
  }
}

/** The body of a `WriteResponse`. */
export function encodeRejections(rejections: Iterable<Rejection>): Buffer {
  const writer = new ProtobufWriter();
  for (const { series, item, first, count, reason } of rejections) {
    writer.message(rejectionsField, () => {
      writer.varint(seriesField, BigInt(series));
      writer.varint(itemField, BigInt(itemNumbers[item]));
      writer.varint(firstField, BigInt(first));
      writer.varint(countField, BigInt(count));
      writer.varint(reasonField, BigInt(reasonNumbers[reason]));
    });
  }
  return writer.finish();
}

/**
 * Reads the body of a `WriteResponse`; that of a Thanos ingester is empty. Unknown fields are skipped, an unknown reason is `unknown`, and something
 * unknown in a series is all of it: nothing may be held stored that was not.
 * @throws RejectionsMalformedError
 */
export function decodeRejections(body: Uint8Array): Rejection[] {
  const rejections: Rejection[] = [];
  const reader = new ProtobufReader(Buffer.from(body.buffer, body.byteOffset, body.length));
  const at = (): number => body.length - reader.bytesLeft;
  try {
    for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
      if (field !== rejectionsField) {
        reader.skip();
        continue;
      }
      if (rejections.length === rejectionsMax) throw new RejectionsMalformedError('there are too many', at());
      rejections.push(decodeRejection(reader.message(), at));
    }
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    const found = error.message.replace(/^Cannot decode write request: | at byte \d+$/g, '');
    throw new RejectionsMalformedError(found, error.byteOffset ?? at(), { cause: error });
  }
  return rejections;
}

function decodeRejection(reader: ProtobufReader, at: () => number): Rejection {
  const u32 = (): number => {
    const value = reader.varint();
    if (value > 0xffff_ffffn) throw new RejectionsMalformedError('a number has more than 32 bits before', at());
    return Number(value);
  };
  let series = 0;
  let item = 0;
  let first = 0;
  let count = 1;
  let reason = 0;
  for (let field = reader.nextField(); field !== undefined; field = reader.nextField()) {
    if (field === seriesField) series = u32();
    else if (field === itemField) item = u32();
    else if (field === firstField) first = u32();
    else if (field === countField) count = u32();
    else if (field === reasonField) reason = u32();
    else reader.skip();
  }
  const known = items.get(item) ?? 'series';
  const run = known === 'series' ? { first: 0, count: 1 } : { first, count: Math.max(1, count) };
  return { series, item: known, ...run, reason: reasons.get(reason) ?? 'unknown' };
}
