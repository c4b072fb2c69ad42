import { ProtobufOutput } from './protobuf-output.js';
import type { OtlpContentType } from './translate-metrics.js';

/**
 * Encodes an ExportMetricsServiceResponse. Without points refused and without a message it says that all was well; a message alone is a warning.
 */
export function encodeExportResponse(
  contentType: OtlpContentType,
  rejectedDataPoints: number,
  errorMessage: string,
): Buffer {
  const allWell = rejectedDataPoints === 0 && errorMessage === '';
  if (contentType === 'application/json') {
    const partialSuccess = { rejectedDataPoints: String(rejectedDataPoints), errorMessage };
    return Buffer.from(JSON.stringify(allWell ? {} : { partialSuccess }));
  }
  const response = new ProtobufOutput();
  if (allWell) return response.view();
  const partialSuccess = new ProtobufOutput();
  if (rejectedDataPoints !== 0) partialSuccess.varint(1, rejectedDataPoints);
  if (errorMessage !== '') partialSuccess.text(2, Buffer.from(errorMessage).toString('latin1'));
  response.bytes(1, partialSuccess.view());
  return response.view();
}
