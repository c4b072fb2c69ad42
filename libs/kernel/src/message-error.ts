import { OperationalError } from '@gauntlet/base';

/** Why a message was refused. */
export type MessageErrorCode = 'SNAPPY_CORRUPT' | 'MESSAGE_TOO_LARGE' | 'PROTOBUF_MALFORMED';

/** A message that can never be taken as it is. */
export class MessageError extends OperationalError {
  readonly kind = 'rejected';
  readonly code: MessageErrorCode;
  /** Where the field begins that is malformed; undefined when the message was refused before its fields were read. */
  readonly byteOffset: number | undefined;

  constructor(code: MessageErrorCode, message: string, byteOffset?: number) {
    super(message);
    this.code = code;
    this.byteOffset = byteOffset;
  }
}

/** The words are those of Thanos, which clients and tests match. */
export function snappyCorrupt(): MessageError {
  return new MessageError('SNAPPY_CORRUPT', 'snappy decode error: s2: corrupt input');
}

export function messageTooLarge(bytesMax: number): MessageError {
  return new MessageError('MESSAGE_TOO_LARGE', `Cannot decode message: it is larger than ${bytesMax} bytes`);
}

/** The tables of a scan are bounded too: empty series, samples and symbols take two bytes of a message, and next to none compressed. */
export function messageEntriesTooMany(): MessageError {
  return new MessageError(
    'MESSAGE_TOO_LARGE',
    'Cannot decode write request: it has more than 1048576 series, 8388608 samples or 4194304 symbols, or a series of more than 1048576 labels',
  );
}

/** What the scan and its twin say of malformed protobuf; the numbers are those of assembly/protobuf.ts. */
const reasons: readonly string[] = [
  'it is malformed',
  'a field is cut short',
  'a varint is cut short or longer than ten bytes',
  'a field has the wrong wire type',
  'a field has an illegal number',
  'a group ends that was not begun',
  'it has more than 65535 tenants',
];

export function protobufMalformed(reason: number, byteOffset: number): MessageError {
  return new MessageError(
    'PROTOBUF_MALFORMED',
    `Cannot decode write request: ${reasons[reason] ?? reasons[0]} at byte ${byteOffset}`,
    byteOffset,
  );
}

/** A kernel's linear memory cannot grow any further. */
export class KernelMemoryError extends OperationalError {
  readonly kind = 'overloaded';
  readonly code = 'KERNEL_MEMORY_EXHAUSTED';

  constructor(bytes: number) {
    super(`Cannot make room for ${bytes} bytes: the kernel's memory is exhausted`);
  }
}
