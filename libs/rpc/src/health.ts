import { type ServiceDefinition, type ServerWritableStream, type UntypedServiceImplementation, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { grpcCodeOf } from './errors.js';

/*
 * grpc.health.v1.Health (proto/grpc/health/v1). Both messages have a single field, so they are written and read here by
 * hand: this library knows no generated formats.
 */
const states = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
type ServingState = keyof typeof states;

const encodeState = (state: ServingState): Buffer => Buffer.from([0x08, states[state]]);

/** The service name that is asked for: field 1, the only one. Empty stands for the process. */
function decodeService(bytes: Buffer): string {
  return bytes[0] === 0x0a ? bytes.subarray(2, 2 + (bytes[1] ?? 0)).toString('utf8') : '';
}

const method = { requestStream: false, requestSerialize: Buffer.from, requestDeserialize: decodeService, responseSerialize: encodeState, responseDeserialize: String };

/** The definition that grpc-js wants. */
export const healthService: ServiceDefinition = {
  Check: { ...method, path: '/grpc.health.v1.Health/Check', responseStream: false },
  Watch: { ...method, path: '/grpc.health.v1.Health/Watch', responseStream: true },
};

type Watcher = ServerWritableStream<string, ServingState>;

/** Says SERVING only when the process is ready, which peers and load balancers take as "send me work". */
export class Health {
  #state: 'SERVING' | 'NOT_SERVING' = 'NOT_SERVING';
  readonly #watchers = new Set<Watcher>();

  readonly implementation: UntypedServiceImplementation = {
    Check: (call: ServerUnaryCall<string, ServingState>, answer: sendUnaryData<ServingState>) => {
      if (call.request !== '') answer({ code: grpcCodeOf('NOT_FOUND'), details: 'unknown service' });
      else answer(null, this.#state);
    },
    Watch: (call: Watcher) => {
      if (call.request !== '') {
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
