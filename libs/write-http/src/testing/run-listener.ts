import { MiB } from '@gauntlet/base';
import { createIntake, snappyBlockEncode } from '@gauntlet/kernel';
import { encodeWriteRequest, encodeWriteRequestV2, type SeriesInput } from '@gauntlet/remote-write';
import { type Agent, request } from 'node:http';
import { Admission, statusWithoutSeries } from '../index.js';
import {
  createWriteListener,
  writeListenerDefaults,
  type WriteListener,
  type WriteListenerOptions,
} from '../write-listener.js';
import { FakeTarget } from './fake-target.js';

export interface Running {
  readonly listener: WriteListener;
  readonly target: FakeTarget;
  readonly admission: Admission;
  readonly port: number;
  readonly faults: unknown[];
  stop(): Promise<void>;
}

/** A listener in front of a fake target, on a free port. */
export async function runListener(options: Partial<WriteListenerOptions> = {}): Promise<Running> {
  const target = new FakeTarget();
  const admission = options.admission ?? new Admission(writeListenerDefaults);
  const faults: unknown[] = [];
  const listener = createWriteListener({
    target,
    admission,
    intake: createIntake({ messageBytesMax: 4 * MiB }),
    status: statusWithoutSeries(target),
    onInternalError: (error) => faults.push(error),
    ...options,
  });
  const { port } = await listener.listen(0, '127.0.0.1');
  return {
    listener,
    target,
    admission,
    port,
    faults,
    async stop() {
      const stopped = listener.stopListening(0);
      listener.closeAllConnections();
      await stopped;
    },
  };
}

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: Uint8Array;
  readonly agent?: Agent;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Sends a request as it is: a body with its length unless it is to be chunked. */
const versionHeader = 'x-prometheus-remote-write-version';

export function send(
  port: number,
  { method = 'POST', path = '/api/v1/receive', headers = {}, body, agent }: Sent,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    const length = sent['transfer-encoding'] === 'chunked' ? {} : { 'content-length': body?.length ?? 0 };
    // What senders of 1.0 say; `undefined` in its place sends none.
    const version = versionHeader in headers ? {} : { [versionHeader]: '0.1.0' };
    const call = request(
      { host: '127.0.0.1', port, method, path, agent: agent ?? false, headers: { ...length, ...version, ...sent } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** One sample for each series. */
export function seriesOf(...series: readonly Readonly<Record<string, string>>[]): SeriesInput[] {
  return series.map((labels) => ({ labels: Object.entries(labels), samples: [{ timestampMs: 1, value: 1 }] }));
}

/** The body of remote write 1.0. */
export function bodyOf(series: readonly SeriesInput[]): Buffer {
  return snappyBlockEncode(encodeWriteRequest({ timeseries: series }));
}

export const oneSeries = bodyOf(seriesOf({ __name__: 'up' }));

/** The body of remote write 2.0. */
export function bodyV2Of(series: readonly SeriesInput[]): Buffer {
  return snappyBlockEncode(encodeWriteRequestV2({ timeseries: series }));
}

export const typeV2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
