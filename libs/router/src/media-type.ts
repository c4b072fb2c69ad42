import { RequestRefusedError } from './errors.js';

/**
 * Whether we can read a body of that type (spec/receive.md 2.7): remote write 1.0 in snappy, which is also what absent headers
 * mean. The version header decides nothing.
 * @throws RequestRefusedError MEDIA_TYPE_UNSUPPORTED
 */
export function checkMediaType(contentType: string | undefined, contentEncoding: string | undefined): void {
  if (contentEncoding && contentEncoding.toLowerCase() !== 'snappy')
    throw unsupported(`content encoding ${JSON.stringify(contentEncoding)} is not snappy`);
  if (!contentType) return;
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim());
  if (type?.toLowerCase() !== 'application/x-protobuf')
    throw unsupported(`content type ${JSON.stringify(contentType)} is not application/x-protobuf`);
  const proto = parameters.find((parameter) => parameter.startsWith('proto='))?.slice('proto='.length);
  if (proto === undefined || proto === 'prometheus.WriteRequest') return;
  if (proto === 'io.prometheus.write.v2.Request')
    throw unsupported('remote write 2.0 is not supported yet, send prometheus.WriteRequest');
  throw unsupported(`unknown message ${JSON.stringify(proto)}`);
}

function unsupported(what: string): RequestRefusedError {
  return new RequestRefusedError('MEDIA_TYPE_UNSUPPORTED', `Cannot read write request: ${what}`);
}
