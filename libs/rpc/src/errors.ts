import { InvariantViolation, OperationalError, messageOf, type ErrorKind } from '@gauntlet/base';

/** The gRPC status codes, by number. */
export const grpcCodeNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;
export type GrpcCodeName = (typeof grpcCodeNames)[number];

/** The number of a code. */
export function grpcCodeOf(name: GrpcCodeName): number {
  return grpcCodeNames.indexOf(name);
}

/**
 * The one table from what went wrong to what a peer is told.
 *
 * `overloaded` is UNAVAILABLE and not RESOURCE_EXHAUSTED: a Thanos router knows two codes. ALREADY_EXISTS is a
 * conflict, UNAVAILABLE counts as such and makes it back off from the peer, which is what a full ingester needs;
 * anything else it files as unknown and goes on sending.
 */
const codeOfKind: Readonly<Record<ErrorKind, GrpcCodeName>> = {
  rejected: 'INVALID_ARGUMENT',
  conflict: 'ALREADY_EXISTS',
  overloaded: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
  corrupt: 'DATA_LOSS',
  cancelled: 'CANCELLED',
};

/** Codes with a meaning of their own for the caller. */
const kindOfCode: Partial<Record<GrpcCodeName, ErrorKind>> = {
  CANCELLED: 'cancelled',
  INVALID_ARGUMENT: 'rejected',
  ALREADY_EXISTS: 'conflict',
  RESOURCE_EXHAUSTED: 'overloaded',
  DATA_LOSS: 'corrupt',
};

/**
 * What a caller should do about a status. Everything without a meaning of its own is `unavailable`: an unknown
 * method, a broken peer or a passed deadline says nothing about the data, so it must stay retryable.
 */
export function kindOfGrpcCode(grpcCode: number): ErrorKind {
  return kindOfCode[grpcCodeNames[grpcCode] ?? 'UNKNOWN'] ?? 'unavailable';
}

/** A status as it goes over the wire. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

/** What the caller is told of anything a handler threw. The text of our own bugs stays in our log. */
export function grpcStatusOf(error: unknown): GrpcStatus {
  if (error instanceof UnreadableMessageError) return { code: grpcCodeOf('INTERNAL'), details: error.message };
  if (error instanceof OperationalError)
    return { code: ownGrpcCode(error) ?? grpcCodeOf(codeOfKind[error.kind]), details: error.message };
  if (error instanceof InvariantViolation)
    return { code: grpcCodeOf('INTERNAL'), details: 'Cannot answer call: internal error' };
  return { code: grpcCodeOf('INTERNAL'), details: messageOf(error) };
}

/** The status that an error names itself, in `grpcCode`, because its kind would say another. */
function ownGrpcCode(error: OperationalError): number | undefined {
  const { grpcCode } = error as { readonly grpcCode?: unknown };
  return typeof grpcCode === 'number' && grpcCode > 0 && grpcCode < grpcCodeNames.length ? grpcCode : undefined;
}

/**
 * A message that is not what its encoding or its schema says. gRPC peers answer INTERNAL here and routers retry it,
 * so we do too, although the kind is `rejected`. Handlers throw it for bytes they cannot decompress or parse.
 */
export class UnreadableMessageError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'RPC_MESSAGE_UNREADABLE';
  constructor(reason: string, options?: ErrorOptions) {
    super(`Cannot read gRPC message: ${reason}`, options);
  }
}

/** A call to a peer that did not end with OK. The message is what a Thanos router writes: `rpc error: code = Unavailable desc = ...`. */
export class PeerError extends OperationalError {
  readonly kind: ErrorKind;
  readonly code: `PEER_${GrpcCodeName}`;
  readonly peer: string;
  readonly grpcCode: number;
  readonly grpcName: GrpcCodeName;
  /** The peer's own words. */
  readonly details: string;
  constructor(peer: string, status: GrpcStatus, options?: ErrorOptions) {
    const grpcName = grpcCodeNames[status.code] ?? 'UNKNOWN';
    super(`rpc error: code = ${goNameOf(grpcName)} desc = ${status.details}`, options);
    this.peer = peer;
    this.grpcCode = status.code;
    this.grpcName = grpcName;
    this.details = status.details;
    this.kind = kindOfGrpcCode(status.code);
    this.code = `PEER_${grpcName}`;
  }
}

/** `DEADLINE_EXCEEDED` to `DeadlineExceeded`; Go spells one of them with a single l. */
export function goNameOf(name: GrpcCodeName): string {
  if (name === 'OK') return name;
  if (name === 'CANCELLED') return 'Canceled';
  return name.toLowerCase().replace(/(^|_)([a-z])/g, (_all, _underscore, letter: string) => letter.toUpperCase());
}
