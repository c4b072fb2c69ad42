import { invariant } from '@gauntlet/base';
import { intakeWasmBase64 } from './generated/intake.js';
import type { MessageEncoding, MessageSchema } from './intake.js';
import {
  KernelMemoryError,
  messageEntriesTooMany,
  messageTooLarge,
  protobufMalformed,
  snappyCorrupt,
} from './message-error.js';
import { instantiate, type KernelExports } from './wasm.js';

/** What assembly/intake.ts exports. Addresses and lengths above 2 GiB arrive as negative numbers. */
interface IntakeExports extends KernelExports {
  report(): number;
  reserve(length: number): number;
  scan(
    length: number,
    tenantLength: number,
    encoding: number,
    contentMax: number,
    schema: number,
    routes: boolean,
  ): number;
  reserveGather(count: number, tenantLength: number): number;
  gather(count: number, tenantLength: number, replica: bigint, encoding: number): number;
  compress(length: number, encoding: number): number;
  expand(length: number, encoding: number, contentMax: number): number;
  checksum(crc: number, length: number): number;
  hash(length: number): bigint;
}

/** The words of the report, by their index. */
const report = {
  failure: 0,
  failureAt: 1,
  body: 2,
  bodyLength: 3,
  groups: 4,
  groupCount: 5,
  rows: 6,
  rowCount: 7,
  samples: 8,
  sampleCount: 9,
  histograms: 10,
  exemplars: 11,
  metadata: 12,
  output: 13,
  outputLength: 14,
  replicaLow: 16,
  replicaHigh: 17,
  refused: 18,
} as const;

const encodingNumbers: Record<MessageEncoding, number> = { identity: 0, 'snappy-block': 1, 'snappy-framed': 2 };
const schemaNumbers: Record<MessageSchema['kind'], number> = { prometheus: 0, thanos: 1, 'prometheus-v2': 2 };

/** An instance of the intake kernel with views on its memory, which follow it as it grows. */
export class IntakeKernel {
  readonly exports: IntakeExports = instantiate<IntakeExports>(intakeWasmBase64);
  readonly #reportAt = this.exports.report();
  #bytes = new Uint8Array(0);
  #report = new Uint32Array(0);

  /** All of the memory. A call that grows it makes the array useless, so it is asked for anew after each. */
  get bytes(): Uint8Array {
    if (this.#bytes.buffer !== this.exports.memory.buffer) {
      this.#bytes = new Uint8Array(this.exports.memory.buffer);
      this.#report = new Uint32Array(this.exports.memory.buffer, this.#reportAt, 20);
    }
    return this.#bytes;
  }

  word(name: keyof typeof report): number {
    void this.bytes;
    return this.#report[report[name]]!;
  }

  /** Room for `length` bytes of input; returns its address. */
  reserve(length: number): number {
    const at = this.exports.reserve(length) >>> 0;
    if (at === 0) throw new KernelMemoryError(length);
    return at;
  }

  reserveGather(count: number, tenantLength: number): number {
    const at = this.exports.reserveGather(count, tenantLength) >>> 0;
    if (at === 0) throw new KernelMemoryError(count * 4 + tenantLength);
    return at;
  }

  /** Throws what a status other than 0 stands for. */
  check(status: number, contentMax: number): void {
    if (status === 0) return;
    if (status === 1) throw snappyCorrupt();
    if (status === 2) throw messageTooLarge(contentMax);
    if (status === 3) throw protobufMalformed(this.word('failure'), this.word('failureAt'));
    if (status === 4) throw new KernelMemoryError(this.exports.memory.buffer.byteLength);
    if (status === 6) throw messageEntriesTooMany();
    invariant(false, 'gather takes rows of the batch scanned last');
  }

  /** The bytes that the last call put out, copied. */
  takeOutput(): Buffer {
    const at = this.word('output');
    const length = this.word('outputLength');
    const output = Buffer.allocUnsafe(length);
    output.set(this.bytes.subarray(at, at + length));
    return output;
  }

  encodingNumber(encoding: MessageEncoding): number {
    return encodingNumbers[encoding];
  }

  schemaNumber(kind: MessageSchema['kind']): number {
    return schemaNumbers[kind];
  }
}
