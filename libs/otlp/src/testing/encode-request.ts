import { join } from 'node:path';
import protobuf from 'protobufjs';

const root = new protobuf.Root().loadSync(join(__dirname, '../../../../proto/opentelemetry/metrics.proto'));

/** A type of the .proto file. */
export function protoType(name: string): protobuf.Type {
  return root.lookupType(`opentelemetry.${name}`);
}

/** An ExportMetricsServiceRequest as another library encodes it. Fields are named as in OTLP/JSON; bytes are base64. */
export function encodeRequest(request: object): Buffer {
  const type = protoType('ExportMetricsServiceRequest');
  return Buffer.from(type.encode(type.fromObject(request)).finish());
}

/** A request with metrics of one resource. */
export function requestOf(metrics: readonly object[], resource: Record<string, string> = {}): object {
  return { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics: [{ metrics }] }] };
}

export function attributesOf(attributes: Record<string, string>): object[] {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}
