import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGunzip } from 'node:zlib';
import { MiB, OperationalError } from '@gauntlet/base';
import type { Answer } from './answer.js';
import { bodyTooLarge, RequestRefusedError } from './errors.js';
import { parseMediaType } from './media-type.js';
import type { Arrival, WriteCall, WriteHandler } from './write-handler.js';

export type OtlpContentType = 'application/x-protobuf' | 'application/json';

/** What an export request becomes. */
export interface OtlpTranslation {
  /** prometheus.WriteRequest, in a buffer of its own. */
  readonly message: Uint8Array;
  /** What has no counterpart, and is left out. */
  readonly rejected: OtlpRejections;
}

export interface OtlpRejections {
  /** Data points. */
  readonly count: number;
  /** For the client: some reasons, which may be there without data points. */
  readonly firstReasons: readonly string[];
}

/** How OpenTelemetry's metrics are translated; comes from outside, with all its settings. */
export interface OtlpTranslator {
  /**
   * The body stays as it is until the end. May stop with the signal's reason, when the client is gone.
   * @throws OperationalError of kind `rejected` when the bytes are no export request; or rejects with it
   */
  translate(
    body: Uint8Array,
    contentType: OtlpContentType,
    signal: AbortSignal,
  ): OtlpTranslation | Promise<OtlpTranslation>;
  /** ExportMetricsServiceResponse with a partial success: data points refused, or a warning alone. */
  encodeResponse(contentType: OtlpContentType, rejectedDataPoints: number, errorMessage: string): Uint8Array;
}

/** Of a request when it is decompressed, as upstream has it. */
export const otlpBytesMax = 32 * MiB;

/** `POST /api/v1/otlp` (spec/receive.md 2.8). */
export function receiveOtlp(handler: WriteHandler, translator: OtlpTranslator, call: WriteCall): Promise<Answer> {
  const { headers } = call.request;
  return handler.admit(
    call,
    async (arrival) => {
      const contentType = contentTypeOf(headers);
      const plain = await decompress(arrival, isGzip(headers));
      const { message, rejected } = await whileThere(call.response, (gone) =>
        translator.translate(plain, contentType, gone),
      );
      arrival.claim.grow(message.length);
      arrival.body.release();
      const answer = await handler.store(call, arrival, {
        bytes: message,
        encoding: 'identity',
        schema: { kind: 'prometheus', tenant: call.tenant },
        isEmptyBecause: rejected.firstReasons,
      });
      if (answer.status !== 200 || (rejected.count === 0 && rejected.firstReasons.length === 0)) return answer;
      const body = translator.encodeResponse(contentType, rejected.count, rejected.firstReasons.join('; '));
      return { ...answer, headers: { ...answer.headers, 'Content-Type': contentType }, body };
    },
    () => {
      contentTypeOf(headers);
      isGzip(headers);
    },
  );
}

/** Works with a signal that is aborted when the client goes away. */
async function whileThere<Result>(
  response: ServerResponse,
  work: (gone: AbortSignal) => Result | Promise<Result>,
): Promise<Result> {
  const leaving = new AbortController();
  const onClose = (): void => leaving.abort(new RequestRefusedError('BODY_UNREADABLE', 'context canceled'));
  if (response.destroyed) onClose();
  response.once('close', onClose);
  try {
    return await work(leaving.signal);
  } finally {
    response.off('close', onClose);
  }
}

/** Parameters decide nothing. @throws RequestRefusedError */
function contentTypeOf(headers: IncomingMessage['headers']): OtlpContentType {
  const text = headers['content-type'] ?? '';
  const { type } = parseMediaType(text);
  if (type === 'application/x-protobuf' || type === 'application/json') return type;
  throw new RequestRefusedError(
    'OTLP_MEDIA_TYPE_UNSUPPORTED',
    `unsupported content type: ${text}, supported: [application/json, application/x-protobuf]`,
  );
}

function isGzip(headers: IncomingMessage['headers']): boolean {
  const encoding = headers['content-encoding'] ?? '';
  if (encoding === 'gzip') return true;
  if (encoding === '' || encoding === 'identity') return false;
  throw new RequestRefusedError(
    'OTLP_MEDIA_TYPE_UNSUPPORTED',
    `unsupported compression: ${encoding}. Only "gzip" or no compression supported`,
  );
}

async function decompress({ body, claim, bounds }: Arrival, isCompressed: boolean): Promise<Uint8Array> {
  const check = (length: number): void => {
    bounds.check('body_size', length);
    if (length > otlpBytesMax) throw bodyTooLarge();
  };
  if (!isCompressed) {
    check(body.bytes.length);
    return body.bytes;
  }
  const gunzip = createGunzip();
  gunzip.end(body.bytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      length += chunk.length;
      check(length);
      claim.grow(chunk.length);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    throw new RequestRefusedError('BODY_UNDECODABLE', gzipErrorText(error), { cause: error });
  }
  return Buffer.concat(chunks, length);
}

/** In the words that clients know, as far as there are any. */
function gzipErrorText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'unexpected EOF';
  return message === 'incorrect header check' ? 'gzip: invalid header' : `gzip: ${message}`;
}
