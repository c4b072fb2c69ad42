import type { GrpcServer, RawMessage } from '@gauntlet/rpc';
import { answerExemplars } from './exemplars-call.js';
import { answerInfo } from './info-call.js';
import { answerLabelNames, answerLabelValues } from './label-calls.js';
import {
  readExemplarsRequest,
  readLabelNamesRequest,
  readLabelValuesRequest,
  readSeriesRequest,
  readStatisticsRequest,
  requestBytesOf,
} from './read-requests.js';
import { answerSeries } from './series-call.js';
import { answerStatistics } from './status-call.js';
import type { StoreApiOptions } from './store-api-options.js';
import type { TenantReaders } from './tenant-reader.js';

/** Registers thanos.Store, thanos.info.Info, thanos.Exemplars and thanos.Status. Health and reflection are the server's own. */
export function serveStoreApi(
  server: Pick<GrpcServer, 'addRawUnary' | 'addRawServerStream'>,
  readers: TenantReaders,
  options: StoreApiOptions,
): void {
  const bytesOf = (message: RawMessage): Uint8Array => requestBytesOf(message, options.codec);
  server.addRawServerStream('/thanos.Store/Series', (message, call, out) =>
    answerSeries(readSeriesRequest(bytesOf(message)), readers, call, out, options),
  );
  server.addRawUnary('/thanos.Store/LabelNames', (message, call) =>
    answerLabelNames(readLabelNamesRequest(bytesOf(message)), readers, call, options),
  );
  server.addRawUnary('/thanos.Store/LabelValues', (message, call) =>
    answerLabelValues(readLabelValuesRequest(bytesOf(message)), readers, call, options),
  );
  // Its request has no fields.
  server.addRawUnary('/thanos.info.Info/Info', () => Promise.resolve(answerInfo(readers)));
  server.addRawServerStream('/thanos.Exemplars/Exemplars', (message, call, out) =>
    answerExemplars(readExemplarsRequest(bytesOf(message)), readers, call, out, options),
  );
  server.addRawServerStream('/thanos.Status/TSDBStatistics', async (message, call, out) => {
    out.write(await answerStatistics(readStatisticsRequest(bytesOf(message)), readers, call, options));
  });
}
