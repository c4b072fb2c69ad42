import { decodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { compress, uncompress } from 'snappy';
import { field, number } from './protobuf-fields.js';
import type { Server } from './servers.js';

/** What a Prometheus has under `job="..."`, over remote read: every bit of floats and histograms, stale markers included. */
export async function remoteRead({ http }: Pick<Server, 'http'>, job: string): Promise<SeriesInput[]> {
  const matcher = Buffer.concat([field(2, Buffer.from('job')), field(3, Buffer.from(job))]);
  const query = Buffer.concat([number(1, 0), number(2, 4_000_000_000_000), field(3, matcher)]);
  const response = await fetch(`http://${http}/api/v1/read`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Read-Version': '0.1.0',
    },
    body: new Uint8Array(await compress(field(1, query))),
  });
  if (!response.ok) throw new Error(`Cannot read from ${http}: ${response.status} ${await response.text()}`);
  const answer = (await uncompress(Buffer.from(await response.arrayBuffer()))) as Buffer;
  // ReadResponse { repeated QueryResult results = 1 }, and a QueryResult is a WriteRequest as far as its series go.
  const { bytes } = lengthDelimited(answer);
  return decodeWriteRequest(bytes).timeseries.map((series) => ({
    ...series,
    labels: series.labels.map(([name, value]) => [String(name), String(value)] as const),
  }));
}

/** What a Prometheus keeps of exemplars under `job="..."`: series, time, value and labels as one text each, sorted. */
export async function readExemplars({ http }: Pick<Server, 'http'>, job: string): Promise<string[]> {
  const query = new URLSearchParams({ query: `{job="${job}"}`, start: '0', end: '4000000000' }).toString();
  const response = await fetch(`http://${http}/api/v1/query_exemplars?${query}`);
  const { data } = (await response.json()) as {
    data: {
      seriesLabels: Record<string, string>;
      exemplars: { labels: Record<string, string>; value: string; timestamp: number }[];
    }[];
  };
  return data
    .flatMap(({ seriesLabels, exemplars }) =>
      exemplars.map(({ labels, value, timestamp }) =>
        exemplarText(seriesLabels, { labels, value: Number(value), timestampMs: Math.round(timestamp * 1000) }),
      ),
    )
    .sort();
}

export const exemplarText = (
  series: Readonly<Record<string, string>>,
  { labels, value, timestampMs }: { labels: Readonly<Record<string, string>>; value: number; timestampMs: number },
): string => `${JSON.stringify(series)} ${timestampMs} ${value} ${JSON.stringify(labels)}`;

/** The contents of the first field, which is expected to be one of bytes; empty when there is none. */
function lengthDelimited(message: Buffer): { bytes: Buffer } {
  let at = 1;
  let length = 0;
  for (let shift = 1; at < message.length; shift *= 0x80) {
    const byte = message[at++] as number;
    length += (byte & 0x7f) * shift;
    if (byte < 0x80) break;
  }
  return { bytes: message.subarray(at, at + length) };
}
