import { OperationalError } from '@gauntlet/base';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import type { OtlpTranslator } from '../otlp.js';
import { seriesOf } from './run-listener.js';

class UnreadableError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'OTLP_MALFORMED';
}

/** Reads bodies such as `{"series":2,"rejected":1}`, whatever their type. */
export const fakeOtlp: OtlpTranslator = {
  translate(body) {
    let wanted: { readonly series?: number; readonly rejected?: number };
    try {
      wanted = body.length === 0 ? {} : (JSON.parse(Buffer.from(body).toString()) as typeof wanted);
    } catch {
      throw new UnreadableError('unexpected EOF');
    }
    const { series = 0, rejected = 0 } = wanted;
    const labels = Array.from({ length: series }, (_, i) => ({ __name__: `metric_${i}` }));
    return {
      message: encodeWriteRequest({ timeseries: seriesOf(...labels) }),
      rejected: { count: rejected, firstReasons: rejected > 0 ? ['invalid temporality for metric "x"'] : [] },
    };
  },
  encodeResponse: (contentType, count, message) => Buffer.from(`${contentType} ${count} ${message}`),
};
