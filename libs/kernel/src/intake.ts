import type { ScannedBatch } from './batch.js';

/** How a message is compressed: snappy's block format (HTTP bodies), its framing format (gRPC), or not at all. */
export type MessageEncoding = 'snappy-block' | 'snappy-framed' | 'identity';

/** Which message it is: prometheus.WriteRequest (one tenant, from the HTTP header) or thanos.WriteRequest (tenants in the message). */
export type MessageSchema = { readonly kind: 'prometheus'; readonly tenant: string } | { readonly kind: 'thanos' };

export interface IntakeLimits {
  /** A message that would decompress to more than this is refused before anything is allocated for it. */
  readonly messageBytesMax: number;
}

/**
 * Takes write requests apart in linear memory: decompresses, validates the protobuf, hashes the labels, and cuts slices for
 * peers. Calls are synchronous and do not overlap; every view that a call returns is valid until the next call.
 * Memory grows to the largest request seen and is kept.
 */
export interface Intake {
  /**
   * @throws MessageError (kind `rejected`): code SNAPPY_CORRUPT (text `snappy decode error: ...`), MESSAGE_TOO_LARGE, or
   * PROTOBUF_MALFORMED (with the byte offset).
   */
  scan(message: Uint8Array, encoding: MessageEncoding, schema: MessageSchema): ScannedBatch;
  /**
   * Builds a thanos.WriteRequest out of some rows of the batch scanned last: their series as received (field 1), then
   * `tenant` (field 2) and `replica` (field 3). Returns it compressed for gRPC as a new buffer that the caller owns.
   * @param rows indexes into the batch, of one tenant
   */
  gather(rows: Uint32Array, tenant: string, replica: number, encoding: 'snappy-framed' | 'identity'): Buffer;
}
