import { grpcCodeNames, grpcCodeOf, type GrpcCodeName } from './errors.js';

/** How a method's messages flow, in the words of the metrics that dashboards know. */
export type MethodType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** Upper bounds of the buckets of `handlingSeconds`; one more bucket holds what is longer. */
export const handlingSecondsBuckets = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120] as const;

/** What a method's calls amount to, as plain numbers that are read when somebody scrapes. */
export interface MethodTally {
  readonly type: MethodType;
  readonly service: string;
  readonly method: string;
  startedCount: number;
  receivedCount: number;
  sentCount: number;
  /** Ended calls by the number of their code. */
  readonly handledCounts: Float64Array;
  /** Ended calls by their duration: one count for each of `handlingSecondsBuckets`, and one more. Not cumulative. */
  readonly handlingCounts: Float64Array;
  handlingSecondsSum: number;
}

/** @param path `/package.Service/Method` */
export function createMethodTally(path: string, type: MethodType): MethodTally {
  const [, service = '', method = ''] = path.split('/');
  return {
    type,
    service,
    method,
    startedCount: 0,
    receivedCount: 0,
    sentCount: 0,
    handledCounts: new Float64Array(grpcCodeNames.length),
    handlingCounts: new Float64Array(handlingSecondsBuckets.length + 1),
    handlingSecondsSum: 0,
  };
}

/** What is told of a call when its headers have come. */
export interface StartedCall {
  /** The same at its end; unique within the process. */
  readonly id: number;
  readonly path: string;
}

/** What is told of a call when it has ended. */
export interface FinishedCall extends StartedCall {
  readonly code: GrpcCodeName;
  /** From its headers to its status. */
  readonly seconds: number;
  /** Contents of messages as they went over the wire, without their headers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Messages sent. */
  readonly messages: number;
}

/** Who is told of calls. */
export interface CallListeners {
  readonly onCallStart?: ((call: StartedCall) => void) | undefined;
  readonly onCall?: ((call: FinishedCall) => void) | undefined;
}

let lastId = 0;

/** Counts one call. */
export class CallTally {
  readonly #id: number;
  readonly #path: string;
  readonly #method: MethodTally;
  readonly #onCall: CallListeners['onCall'];
  readonly #startMs = performance.now();
  #bytesIn = 0;
  #bytesOut = 0;
  #messages = 0;
  #ended = false;

  constructor(path: string, method: MethodTally, listeners: CallListeners = {}) {
    this.#id = lastId += 1;
    this.#path = path;
    this.#method = method;
    this.#onCall = listeners.onCall;
    method.startedCount += 1;
    listeners.onCallStart?.({ id: this.#id, path });
  }

  addReceived(bytes: number): void {
    this.#method.receivedCount += 1;
    this.#bytesIn += bytes;
  }

  addSent(bytes: number): void {
    this.#method.sentCount += 1;
    this.#messages += 1;
    this.#bytesOut += bytes;
  }

  /** The first status counts: later ones reach nobody. */
  end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const known = grpcCodeNames[code] === undefined ? grpcCodeOf('UNKNOWN') : code;
    const seconds = (performance.now() - this.#startMs) / 1000;
    const bucket = handlingSecondsBuckets.findIndex((bound) => seconds <= bound);
    addTo(this.#method.handledCounts, known);
    addTo(this.#method.handlingCounts, bucket < 0 ? handlingSecondsBuckets.length : bucket);
    this.#method.handlingSecondsSum += seconds;
    this.#onCall?.({
      id: this.#id,
      path: this.#path,
      code: grpcCodeNames[known] ?? 'UNKNOWN',
      seconds,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      messages: this.#messages,
    });
  }
}

function addTo(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
