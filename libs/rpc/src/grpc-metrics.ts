import { collectCounter, type MetricRegistry, type MetricSample } from '@gauntlet/telemetry';
import { handlingSecondsBuckets, type MethodTally } from './call-tally.js';
import { goNameOf, grpcCodeNames } from './errors.js';
import type { GrpcServer } from './server.js';

/** Registers the `grpc_server_*` metrics that dashboards know; every method and code is there from the start, as in Thanos. */
export function collectGrpcMetrics(
  registry: MetricRegistry,
  server: Pick<GrpcServer, 'methodTallies' | 'internalErrorCount'>,
): void {
  const counters = [
    ['grpc_server_started_total', 'Total number of RPCs started on the server.', 'startedCount'],
    ['grpc_server_msg_received_total', 'Total number of RPC messages received on the server.', 'receivedCount'],
    ['grpc_server_msg_sent_total', 'Total number of gRPC messages sent by the server.', 'sentCount'],
  ] as const;
  for (const [name, help, count] of counters) {
    collectCounter(registry, {
      name,
      help,
      read: () => server.methodTallies().map((tally) => ({ labels: labelsOf(tally), value: tally[count] })),
    });
  }
  collectCounter(registry, {
    name: 'grpc_server_handled_total',
    help: 'Total number of RPCs completed on the server, regardless of success or failure.',
    read: () => server.methodTallies().flatMap(handledSamples),
  });
  registry.register({
    name: 'grpc_server_handling_seconds',
    help: 'Time from the headers of a call to its status, in seconds.',
    type: 'histogram',
    read: () => server.methodTallies().flatMap(handlingSamples),
  });
  collectCounter(registry, {
    name: 'grpc_req_panics_recovered_total',
    help: 'Calls that met a bug of ours and were answered with INTERNAL.',
    read: () => server.internalErrorCount(),
  });
}

function labelsOf({ type, service, method }: MethodTally) {
  return { grpc_type: type, grpc_service: service, grpc_method: method };
}

function handledSamples(tally: MethodTally): MetricSample[] {
  return grpcCodeNames.map((name, code) => ({
    labels: { ...labelsOf(tally), grpc_code: goNameOf(name) },
    value: tally.handledCounts[code] ?? 0,
  }));
}

function handlingSamples(tally: MethodTally): MetricSample[] {
  const samples: MetricSample[] = [];
  let count = 0;
  [...handlingSecondsBuckets, Infinity].forEach((bound, at) => {
    count += tally.handlingCounts[at] ?? 0;
    const le = bound === Infinity ? '+Inf' : String(bound);
    samples.push({ suffix: '_bucket', labels: { ...labelsOf(tally), le }, value: count });
  });
  samples.push({ suffix: '_sum', labels: labelsOf(tally), value: tally.handlingSecondsSum });
  samples.push({ suffix: '_count', labels: labelsOf(tally), value: count });
  return samples;
}
