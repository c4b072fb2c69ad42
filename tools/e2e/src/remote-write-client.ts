import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { compress } from 'snappy';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Posts a remote write 1.0 body and gives the answer, whatever it is. */
export async function remoteWrite(
  url: string,
  series: readonly SeriesInput[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Write-Version': '0.1.0',
      ...headers,
    },
    body: new Uint8Array(await compress(encodeWriteRequest({ timeseries: series }))),
  });
  return { status: response.status, text: await response.text() };
}
