import {
  type ServiceDefinition,
  type ServerWritableStream,
  type UntypedServiceImplementation,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { grpcCodeOf } from './errors.js';

/*
 * grpc.health.v1.Health (proto/grpc/health/v1). Both messages have a single field, so they are written and read here by
 * hand: this library knows no generated formats.
 */
const states = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
type ServingState = keyof typeof states;

const encodeState = (state: ServingState): Buffer => Buffer.from([0x08, states[state]]);

/** A request names a service in field 1, its only one; the empty name stands for the process. */
function decodeRequest(bytes: Buffer): HealthRequest {
  // An object, since grpc-js takes an empty text for no message at all.
  return { service: bytes[0] === 0x0a ? bytes.subarray(2, 2 + (bytes[1] ?? 0)).toString('utf8') : '' };
}

interface HealthRequest {
  readonly service: string;
}

const method = {
  requestStream: false,
  requestSerialize: Buffer.from,
  requestDeserialize: decodeRequest,
  responseSerialize: encodeState,
  responseDeserialize: String,
};

/** The definition that grpc-js wants. */
export const healthService: ServiceDefinition = {
  Check: { ...method, path: '/grpc.health.v1.Health/Check', responseStream: false },
  Watch: { ...method, path: '/grpc.health.v1.Health/Watch', responseStream: true },
};

type Watcher = ServerWritableStream<HealthRequest, ServingState>;

/** Says SERVING only when the process is ready, which peers and load balancers take as "send me work". */
export class Health {
  #state: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING';
  readonly #watchers = new Set<Watcher>();

  readonly implementation: UntypedServiceImplementation = {
    Check: (call: ServerUnaryCall<HealthRequest, ServingState>, answer: sendUnaryData<ServingState>) => {
      if (call.request.service !== '') answer({ code: grpcCodeOf('NOT_FOUND'), details: 'unknown service' });
      else answer(null, this.#state);
    },
    Watch: (call: Watcher) => {
      if (call.request.service !== '') {
        call.write('SERVICE_UNKNOWN');
        return;
      }
      this.#watchers.add(call);
      call.on('cancelled', () => this.#watchers.delete(call));
      call.write(this.#state);
    },
  };

  setReady(ready: boolean): void {
    const state = ready ? 'SERVING' : 'NOT_SERVING';
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher.write(state);
  }

  /** Ends every watch, so that a graceful stop need not wait for them. */
  stop(): void {
    this.setReady(false);
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }
}
