import { invariant } from '@gauntlet/base';
import { groupBytes, rowBytes, sampleBytes, type ScannedBatch } from './batch.js';
import { IntakeKernel } from './intake-kernel.js';
import { MessageError, messageTooLarge } from './message-error.js';

/** How a message is compressed: snappy's block format (HTTP bodies), its framing format (gRPC), or not at all. */
export type MessageEncoding = 'snappy-block' | 'snappy-framed' | 'identity';

/**
 * Which message it is: prometheus.WriteRequest (one tenant, from the HTTP header), io.prometheus.write.v2.Request (the same) or
 * thanos.WriteRequest (tenants in the message). Who does not place series on the ring says `routeHashes: false`, and finds 0 in their place.
 */
export type MessageSchema =
  | { readonly kind: 'prometheus'; readonly tenant: string }
  | { readonly kind: 'prometheus-v2'; readonly tenant: string }
  | { readonly kind: 'thanos'; readonly routeHashes?: boolean };

export interface IntakeLimits {
  /**
   * A message that would decompress to more than this is refused before anything is allocated for it. So is one of remote write 2.0
   * that would take more as 1.0: references to a symbol cost a byte or two, however long it is.
   */
  readonly messageBytesMax: number;
}

/**
 * Takes write requests apart in linear memory: decompresses, validates the protobuf, hashes the labels, and cuts slices for
 * peers. Calls are synchronous and do not overlap; every view that a call returns is valid until the next call.
 * Memory grows to the largest request seen and is kept, unless that was an outlier.
 */
export interface Intake {
  /**
   * @throws MessageError (kind `rejected`): code SNAPPY_CORRUPT (text `snappy decode error: ...`), MESSAGE_TOO_LARGE (bytes, series, samples or symbols), or
   * PROTOBUF_MALFORMED (with the byte offset).
   */
  scan(message: Uint8Array, encoding: MessageEncoding, schema: MessageSchema): ScannedBatch;
  /**
   * Builds a thanos.WriteRequest out of some rows of the batch scanned last: their series as the rows have them (field 1), then
   * `tenant` (field 2) and `replica` (field 3). Returns it compressed for gRPC as a new buffer that the caller owns.
   * @param rows indexes into the batch, of one tenant
   */
  gather(rows: Uint32Array, tenant: string, replica: number, encoding: 'snappy-framed' | 'identity'): Buffer;
}

/** The most that `messageBytesMax` may be: message, content and tables share one memory of 4 GiB. */
export const messageBytesCeiling = 512 * 1024 * 1024;

/** An intake with a memory of its own. */
export function createIntake(limits: IntakeLimits): Intake {
  invariant(
    limits.messageBytesMax > 0 && limits.messageBytesMax <= messageBytesCeiling,
    `messageBytesMax is 1 to ${messageBytesCeiling}`,
  );
  return new KernelIntake(limits.messageBytesMax);
}

/** An instance that has grown beyond this makes room for a new one at the next scan: linear memory never shrinks. */
const keptBytesMax = 256 * 1024 * 1024;

const utf8 = new TextEncoder();

class KernelIntake implements Intake {
  #kernel = new IntakeKernel();
  /** The last scan ended with something other than a verdict on the message. */
  #isDoubtful = false;
  readonly #messageBytesMax: number;
  /** The tenant met last: requests of one tenant tend to follow each other. */
  #tenant = '';
  #tenantBytes = new Uint8Array(0);

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  scan(message: Uint8Array, encoding: MessageEncoding, schema: MessageSchema): ScannedBatch {
    // The encoders of snappy add a sixth at most; what is larger still cannot hold an admissible message.
    const receivedBytesMax = this.#messageBytesMax + Math.ceil(this.#messageBytesMax / 6) + 65536;
    if (message.length > (encoding === 'identity' ? this.#messageBytesMax : receivedBytesMax))
      throw messageTooLarge(this.#messageBytesMax);
    if (this.#isDoubtful || this.#kernel.exports.memory.buffer.byteLength > keptBytesMax) {
      this.#kernel = new IntakeKernel();
      this.#isDoubtful = false;
    }
    try {
      return this.#scan(message, encoding, schema);
    } catch (error) {
      this.#isDoubtful = !(error instanceof MessageError);
      throw error;
    }
  }

  gather(rows: Uint32Array, tenant: string, replica: number, encoding: 'snappy-framed' | 'identity'): Buffer {
    const kernel = this.#kernel;
    const tenantBytes = this.#encodeTenant(tenant);
    const at = kernel.reserveGather(rows.length, tenantBytes.length);
    new Uint32Array(kernel.exports.memory.buffer, at, rows.length).set(rows);
    kernel.bytes.set(tenantBytes, at + rows.length * 4);
    kernel.check(
      kernel.exports.gather(rows.length, tenantBytes.length, BigInt(replica), kernel.encodingNumber(encoding)),
      0,
    );
    return kernel.takeOutput();
  }

  #scan(message: Uint8Array, encoding: MessageEncoding, schema: MessageSchema): ScannedBatch {
    const kernel = this.#kernel;
    const tenant = this.#encodeTenant(schema.kind === 'thanos' ? '' : schema.tenant);
    const at = kernel.reserve(message.length + tenant.length);
    kernel.bytes.set(message, at);
    kernel.bytes.set(tenant, at + message.length);
    const routes = schema.kind !== 'thanos' || schema.routeHashes !== false;
    const status = kernel.exports.scan(
      message.length,
      tenant.length,
      kernel.encodingNumber(encoding),
      this.#messageBytesMax,
      kernel.schemaNumber(schema.kind),
      routes,
    );
    kernel.check(status, this.#messageBytesMax);
    return this.#batch();
  }

  #encodeTenant(tenant: string): Uint8Array {
    if (tenant !== this.#tenant) {
      this.#tenantBytes = utf8.encode(tenant);
      this.#tenant = tenant;
    }
    return this.#tenantBytes;
  }

  #batch(): ScannedBatch {
    const kernel = this.#kernel;
    const view = (at: number, length: number): Uint8Array => kernel.bytes.subarray(at, at + length);
    const rowCount = kernel.word('rowCount');
    const sampleCount = kernel.word('sampleCount');
    const groupCount = kernel.word('groupCount');
    return {
      body: view(kernel.word('body'), kernel.word('bodyLength')),
      rows: view(kernel.word('rows'), rowCount * rowBytes),
      rowCount,
      samples: view(kernel.word('samples'), sampleCount * sampleBytes),
      sampleCount,
      groups: view(kernel.word('groups'), groupCount * groupBytes),
      groupCount,
      histogramCount: kernel.word('histograms'),
      exemplarCount: kernel.word('exemplars'),
      refusedCount: kernel.word('refused'),
      metadataCount: kernel.word('metadata'),
      // Beyond 2^53 it loses precision, and nothing: no replica is numbered so high.
      replica: (kernel.word('replicaHigh') | 0) * 0x1_0000_0000 + kernel.word('replicaLow'),
    };
  }
}
