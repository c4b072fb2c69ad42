import { MiB } from '@gauntlet/base';
import { UnreadableMessageError, type FrameCodec, type RawMessage } from '@gauntlet/rpc';
import {
  compileMatcher,
  createExpressionBudget,
  type ExpressionBudget,
  type LabelMatcher,
  type MatchType,
  type Shard,
} from '@gauntlet/select';
import { FieldReader } from './field-reader.js';
import { StoreRequestError, StoreRequestTooLongError } from './store-error.js';

/** Longer requests are refused before they are looked at. The longest ones list values in a matcher. */
export const requestBytesMax = 16 * MiB;

/** What the three calls of a store have in common (spec/store-api.md 4.1, 4.4). */
export interface LabelRequest {
  readonly matchers: readonly LabelMatcher[];
  /** Unix milliseconds, both inclusive; infinities for what a number does not hold. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Whether the caller wants no answer rather than one that lacks something. */
  readonly isStrict: boolean;
  readonly replicaLabels: readonly string[];
  /** 0 for everything. */
  readonly limit: number;
}

export interface SeriesRequest extends LabelRequest {
  readonly skipChunks: boolean;
  readonly shard: Shard;
  /** Series in one frame; below 2 for frames of another kind, with one series each. */
  readonly batchSeriesMax: number;
}

export interface LabelValuesRequest extends LabelRequest {
  readonly label: string;
}

export interface ExemplarsRequest {
  readonly query: string;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

export interface StatisticsRequest {
  /** Empty for all. */
  readonly tenant: string;
  readonly limit: number;
  readonly matchers: readonly LabelMatcher[];
}

/**
 * The bytes of a request.
 * @throws StoreRequestTooLongError
 * @throws UnreadableMessageError for one whose compression is broken
 */
export function requestBytesOf({ bytes, encoding }: RawMessage, codec: FrameCodec): Uint8Array {
  const plain = encoding === 'identity' ? bytes : expand(bytes, codec);
  if (plain.length <= requestBytesMax) return plain;
  throw new StoreRequestTooLongError(`Cannot read request: ${plain.length} bytes are more than ${requestBytesMax}`);
}

/** @throws StoreRequestError, MatcherError, UnreadableMessageError */
export function readSeriesRequest(bytes: Uint8Array): SeriesRequest {
  const request = { ...newLabelRequest(), skipChunks: false, shard: { ...noShard }, batchSeriesMax: 0 };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    switch (fields.number) {
      case 1:
        request.minTimeMs = fields.int64();
        break;
      case 2:
        request.maxTimeMs = fields.int64();
        break;
      case 3:
        request.matchers.push(readMatcher(fields.bytes(), request.budget));
        break;
      case 6:
        request.isDisabled = fields.bool();
        break;
      case 7:
        request.strategy = fields.int32();
        break;
      case 8:
        request.skipChunks = fields.bool();
        break;
      case 13:
        request.shard = readShard(fields.bytes(), request.shard);
        break;
      case 14:
        request.replicaLabels.push(fields.string());
        break;
      case 15:
        request.limit = fields.int64();
        break;
      case 16:
        request.batchSeriesMax = fields.int64();
        break;
      default: // Hints, resolution and aggregates change nothing here: all chunks are raw.
        fields.skip();
    }
  }
  return { ...request, ...finished(request) };
}

/** @throws StoreRequestError, MatcherError, UnreadableMessageError */
export function readLabelNamesRequest(bytes: Uint8Array): LabelRequest {
  const request = newLabelRequest();
  const fields = new FieldReader(bytes);
  while (fields.next()) readLabelField(request, fields, fields.number);
  return finished(request);
}

/** @throws StoreRequestError, MatcherError, UnreadableMessageError */
export function readLabelValuesRequest(bytes: Uint8Array): LabelValuesRequest {
  const request = newLabelRequest();
  let label = '';
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    // Behind its first field, the message is that of the names.
    if (fields.number === 1) label = fields.string();
    else readLabelField(request, fields, fields.number - 1);
  }
  return { ...finished(request), label };
}

/** @throws UnreadableMessageError */
export function readExemplarsRequest(bytes: Uint8Array): ExemplarsRequest {
  const request = { query: '', minTimeMs: 0, maxTimeMs: 0 };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) request.query = fields.string();
    else if (fields.number === 2) request.minTimeMs = fields.int64();
    else if (fields.number === 3) request.maxTimeMs = fields.int64();
    else fields.skip();
  }
  return request;
}

/** @throws StoreRequestError, MatcherError, UnreadableMessageError */
export function readStatisticsRequest(bytes: Uint8Array): StatisticsRequest {
  const request = { tenant: '', limit: 0, matchers: [] as LabelMatcher[], budget: createExpressionBudget() };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) request.tenant = fields.string();
    else if (fields.number === 2) request.limit = fields.int32();
    else if (fields.number === 4) request.matchers.push(readMatcher(fields.bytes(), request.budget));
    else fields.skip();
  }
  if (request.limit < 0) throw new StoreRequestError(`Cannot read statistics: limit ${request.limit} is negative`);
  return request;
}

const matchTypes: readonly MatchType[] = ['=', '!=', '=~', '!~'];
const abort = 1;
const noShard: Shard = { index: 0, count: 0, by: false, labels: [] };

interface OpenLabelRequest {
  matchers: LabelMatcher[];
  minTimeMs: number;
  maxTimeMs: number;
  /** Two fields for one wish: the older one is a flag. */
  isDisabled: boolean;
  strategy: number;
  replicaLabels: string[];
  limit: number;
  readonly budget: ExpressionBudget;
}

function newLabelRequest(): OpenLabelRequest {
  return {
    matchers: [],
    minTimeMs: 0,
    maxTimeMs: 0,
    isDisabled: false,
    strategy: 0,
    replicaLabels: [],
    limit: 0,
    budget: createExpressionBudget(),
  };
}

function finished({ isDisabled, strategy, limit, budget: _spent, ...request }: OpenLabelRequest): LabelRequest {
  const isFinite = limit > 0 && limit < Infinity;
  return { ...request, isStrict: isDisabled || strategy === abort, limit: isFinite ? limit : 0 };
}

/** @param number as in a request for names */
function readLabelField(request: OpenLabelRequest, fields: FieldReader, number: number): void {
  if (number === 1) request.isDisabled = fields.bool();
  else if (number === 2) request.strategy = fields.int32();
  else if (number === 3) request.minTimeMs = fields.int64();
  else if (number === 4) request.maxTimeMs = fields.int64();
  else if (number === 6) request.matchers.push(readMatcher(fields.bytes(), request.budget));
  else if (number === 7) request.replicaLabels.push(fields.string());
  else if (number === 8) request.limit = fields.int64();
  else fields.skip();
}

function readMatcher(bytes: Uint8Array, budget: ExpressionBudget): LabelMatcher {
  let [typeNumber, name, value] = [0, '', ''];
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) typeNumber = fields.int32();
    else if (fields.number === 2) name = fields.string();
    else if (fields.number === 3) value = fields.string();
    else fields.skip();
  }
  const type = matchTypes[typeNumber];
  if (type === undefined) throw new StoreRequestError(`unrecognized label matcher type ${typeNumber}`);
  return compileMatcher(type, name, value, budget);
}

/** @param before what an earlier field of the same number has said: messages are merged */
function readShard(bytes: Uint8Array, before: Shard): Shard {
  const shard = { ...before, labels: [...before.labels] };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) shard.index = fields.int64();
    else if (fields.number === 2) shard.count = fields.int64();
    else if (fields.number === 3) shard.by = fields.bool();
    else if (fields.number === 4) shard.labels.push(fields.string());
    else fields.skip();
  }
  if (shard.count === Infinity) throw new StoreRequestError('Cannot select shard: there are more than 2^53 of them');
  return shard;
}

function expand(bytes: Uint8Array, codec: FrameCodec): Uint8Array {
  try {
    return codec.decode(bytes, requestBytesMax);
  } catch (error) {
    throw new UnreadableMessageError('its compression is broken, or it is too long', { cause: error });
  }
}
