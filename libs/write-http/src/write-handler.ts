import { secondMs, type Clock } from '@gauntlet/base';
import {
  snappyBlockDecode,
  type Intake,
  type MessageEncoding,
  type MessageSchema,
  type ScannedBatch,
} from '@gauntlet/kernel';
import type { WriteLimits } from '@gauntlet/limits';
import type { TenantId } from '@gauntlet/model';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission, Claim } from './admission.js';
import type { Answer, Answers, Dialect } from './answer.js';
import { announcedBytes, BodyReader, type Body } from './body-reader.js';
import {
  bodyTooLarge,
  RequestRefusedError,
  WriteLimitedError,
  WriteNotReadyError,
  WriteOverloadedError,
} from './errors.js';
import { negotiate } from './media-type.js';
import { RequestBounds } from './request-bounds.js';
import { addItems, rewriteRequest, type RewriteRules } from './rewrite-request.js';
import { noItems, type ItemCounts, type WriteOutcome, type WriteSource, type WriteTarget } from './write-target.js';

export interface WriteHandlerOptions {
  readonly target: WriteTarget;
  /** The target uses it too, between our calls. */
  readonly intake: Intake;
  readonly admission: Admission;
  readonly limits: WriteLimits;
  readonly rules: RewriteRules;
  readonly clock: Clock;
  readonly answers: Answers;
  readonly bodyBytesMax: number;
  readonly replicaHeader: string;
  readonly onOutcome: (outcome: WriteOutcome, status: number) => void;
}

/** A write under way. */
export interface WriteCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly tenant: TenantId;
  readonly dialect: Dialect;
  /** What was read of the body. */
  requestBytes: number;
}

/** A body that has arrived, with all that the request holds until it is answered. */
export interface Arrival {
  readonly body: Body;
  readonly claim: Claim;
  readonly bounds: RequestBounds;
}

/** A message that is ready to be taken apart. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly encoding: MessageEncoding;
  readonly schema: MessageSchema;
  /** Why there is no series in it, if that is not what the client meant. */
  readonly isEmptyBecause?: readonly string[];
}

/** Longer than most clients wait; one that waits longer is told to come back. */
const gateMsMax = 30 * secondMs;

/** The way of a remote write request (spec/receive.md 2.4): the order of its checks decides which answer wins. */
export class WriteHandler {
  readonly #options: WriteHandlerOptions;
  readonly #bodies = new BodyReader();

  constructor(options: WriteHandlerOptions) {
    this.#options = options;
  }

  /** Rejects with what the request is refused for. */
  receive(call: WriteCall): Promise<Answer> {
    return this.admit(call, (arrival) => {
      const { bytes } = arrival.body;
      checkContentLength(bytes, arrival.bounds);
      const { headers } = call.request;
      const version = negotiate(headers['content-type'], headers['content-encoding']);
      const schema = { kind: version === 'v1' ? 'prometheus' : 'prometheus-v2', tenant: call.tenant } as const;
      return this.store(call, arrival, { bytes, encoding: 'snappy-block', schema });
    });
  }

  /**
   * Reads the body and waits at the gate. It waits with the body in hand: a client that sends slowly holds no place that others wait for.
   * @param check called before the body is read; what it throws ends the request
   */
  async admit(call: WriteCall, work: (arrival: Arrival) => Promise<Answer>, check?: () => void): Promise<Answer> {
    const { limits, admission, bodyBytesMax } = this.#options;
    const claim = admission.open();
    let body: Body | undefined;
    let leave: (() => void) | undefined;
    try {
      const refusal = limits.headSeriesRefusal(call.tenant);
      if (refusal !== undefined) throw new WriteLimitedError(refusal);
      const bounds = new RequestBounds(limits, call.tenant);
      const announced = announcedBytes(call.request) ?? 0;
      bounds.check('body_size', announced);
      if (announced > bodyBytesMax) throw bodyTooLarge();
      check?.();
      body = await this.#bodies.read(call.request, {
        bytesMax: Math.min(bodyBytesMax, bounds.compressedBytesMax),
        onBytes: (count) => claim.grow(count),
      });
      call.requestBytes = body.bytes.length;
      claim.enter();
      leave = this.#options.limits.tryEnter() ?? (await this.#enterGate(call));
      return await work({ body, claim, bounds });
    } finally {
      leave?.();
      body?.release();
      claim.release();
    }
  }

  /** Scans the message, holds it against the limits, and hands it to the target. No `await` comes before the target's first. */
  async store(call: WriteCall, { body, claim, bounds }: Arrival, message: Message): Promise<Answer> {
    const { target, intake, answers, rules, onOutcome } = this.#options;
    if (!target.ready) throw new WriteNotReadyError();
    let { bytes, encoding, schema } = message;
    const { dialect } = call;
    let batch = intake.scan(bytes, encoding, schema);
    checkReplicaHeader(call.request, this.#options.replicaHeader);
    if (batch.rowCount === 0) {
      if (message.isEmptyBecause?.length)
        throw new RequestRefusedError('OTLP_NOTHING_VALID', message.isEmptyBecause.join('; '));
      return answers.success(dialect, noItems);
    }
    this.#checkLimits(call.tenant, batch, bounds);
    let dropped: ItemCounts = noItems;
    const rewritten = rewriteRequest({ batch, tenant: call.tenant, keepsRefusals: dialect === 'v2' }, rules);
    if (rewritten) {
      ({ dropped } = rewritten);
      if (rewritten.rowCount === 0) return answers.success(dialect, dropped);
      ({ message: bytes, encoding, schema } = { ...rewritten, encoding: 'identity', schema: { kind: 'thanos' } });
      claim.grow(bytes.length);
      body.release();
      batch = intake.scan(bytes, encoding, schema);
    }
    const source = new RequestSource(batch, {
      scan: () => intake.scan(bytes, encoding, schema),
      release: () => body.release(),
      tellsLostExemplars: dialect === 'v2',
    });
    const writing = target.write(source);
    source.forgetBatch();
    const outcome = await writing;
    // What the rules drop is dealt with: a sender of 2.0 would take a count of 0 for a failure.
    const answer = answers.ofOutcome(dialect, { ...outcome, written: addItems(outcome.written, dropped) });
    onOutcome(outcome, answer.status);
    return answer;
  }

  #checkLimits(tenant: TenantId, batch: ScannedBatch, bounds: RequestBounds): void {
    const { limits } = this.#options;
    const { rowCount, sampleCount, histogramCount } = batch;
    bounds.check('series', rowCount);
    bounds.check('samples', sampleCount + (limits.samplesLimitCountsHistograms() ? histogramCount : 0));
    const waitMs = limits.takeSamples(tenant, sampleCount + histogramCount);
    if (waitMs > 0) throw new WriteLimitedError('tenant is above samples per second limit', waitMs);
  }

  async #enterGate({ response }: WriteCall): Promise<() => void> {
    const { limits, clock } = this.#options;
    const waiting = new AbortController();
    const onClose = (): void => waiting.abort(new RequestRefusedError('BODY_UNREADABLE', 'context canceled'));
    if (response.destroyed) onClose();
    response.once('close', onClose);
    const isEntered = new AbortController();
    clock.sleep(gateMsMax, isEntered.signal).then(
      () => waiting.abort(new WriteOverloadedError('too many requests are before it')),
      () => {},
    );
    try {
      return await limits.enter(waiting.signal);
    } finally {
      isEntered.abort('entered'); // A reason of our own saves a stack trace for each request.
      response.off('close', onClose);
    }
  }
}

/** A source whose first scan may have been made already. */
class RequestSource implements WriteSource {
  readonly tellsLostExemplars: boolean;
  #batch: ScannedBatch | undefined;
  readonly #scan: () => ScannedBatch;
  readonly release: () => void;

  constructor(batch: ScannedBatch, { scan, ...source }: Pick<WriteSource, 'scan' | 'release' | 'tellsLostExemplars'>) {
    this.#batch = batch;
    this.#scan = scan;
    this.release = source.release;
    this.tellsLostExemplars = source.tellsLostExemplars;
  }

  scan(): ScannedBatch {
    const batch = this.#batch;
    this.#batch = undefined;
    return batch ?? this.#scan();
  }

  /** The intake may be used by others now. */
  forgetBatch(): void {
    this.#batch = undefined;
  }
}

/**
 * The tenant's limit on the decompressed length, from what the block says of itself: nothing is allocated for it.
 * @throws RequestRefusedError, or MessageError SNAPPY_CORRUPT for a block that says what it does not hold
 */
function checkContentLength(block: Uint8Array, bounds: RequestBounds): void {
  const declared = declaredBytes(block);
  if (declared <= bounds.bodyBytesMax) return;
  try {
    snappyBlockDecode(block, bounds.bodyBytesMax);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'MESSAGE_TOO_LARGE') bounds.check('body_size', declared);
    throw error;
  }
}

/** The length that a snappy block begins with, a varint; 0 where there is none. */
function declaredBytes(block: Uint8Array): number {
  let bytes = 0;
  for (let at = 0, scale = 1; at < 5; at += 1, scale *= 128) {
    const byte = block[at] ?? 0;
    bytes += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return bytes;
}

/** We replicate whatever the header says, but it must be a 64-bit number. @throws RequestRefusedError */
function checkReplicaHeader(request: IncomingMessage, header: string): void {
  const text = request.headersDistinct[header.toLowerCase()]?.[0];
  if (text && (!/^0*\d{1,20}$/.test(text) || BigInt(text) > 0xffff_ffff_ffff_ffffn))
    throw new RequestRefusedError('REPLICA_HEADER_INVALID', 'could not parse replica header');
}
