import { RequestRefusedError } from './errors.js';

/** Which message a body is: `prometheus.WriteRequest` or `io.prometheus.write.v2.Request`. */
export type RemoteWriteVersion = 'v1' | 'v2';

const versions: ReadonlyMap<string, RemoteWriteVersion> = new Map([
  ['prometheus.WriteRequest', 'v1'],
  ['io.prometheus.write.v2.Request', 'v2'],
]);

/**
 * Chooses the message by its type (spec/receive.md 2.7). The version header decides nothing: a body of 2.0 that is read as 1.0 has no
 * series, and would be lost with a 200. An absent type means 1.0, an absent encoding snappy.
 * @throws RequestRefusedError MEDIA_TYPE_UNSUPPORTED
 */
export function negotiate(contentType: string | undefined, contentEncoding: string | undefined): RemoteWriteVersion {
  if (contentEncoding && contentEncoding.toLowerCase() !== 'snappy')
    throw unsupported(`content encoding ${JSON.stringify(contentEncoding)} is not snappy`);
  if (!contentType) return 'v1';
  const { type, parameters } = parseMediaType(contentType);
  if (type !== 'application/x-protobuf')
    throw unsupported(`content type ${JSON.stringify(contentType)} is not application/x-protobuf`);
  const proto = protoOf(parameters);
  if (proto === undefined) return 'v1';
  const version = versions.get(proto);
  if (version === undefined) throw unsupported(`unknown message ${JSON.stringify(proto)}`);
  return version;
}

/** Whether the client means 2.0, even if nothing else is right: its answers carry the Written headers. */
export function meansVersion2(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const proto = protoOf(parseMediaType(contentType).parameters);
  return proto !== undefined && versions.get(proto) === 'v2';
}

/** The message that the first parameter of that name says. */
function protoOf(parameters: readonly string[]): string | undefined {
  return parameters.find((parameter) => parameter.startsWith('proto='))?.slice('proto='.length);
}

/** The type in lower case, and the parameters as they came, without spaces around them. */
export function parseMediaType(text: string): { readonly type: string; readonly parameters: readonly string[] } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  return { type: type.toLowerCase(), parameters };
}

function unsupported(found: string): RequestRefusedError {
  return new RequestRefusedError('MEDIA_TYPE_UNSUPPORTED', `Cannot read write request: ${found}`);
}
