import { invariant } from '@gauntlet/base';
import { encodeWriteRequest, type SeriesInput } from '@gauntlet/remote-write';
import { compress } from 'snappy';
import { double, field, number } from './protobuf-fields.js';

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

/** A sample with what is known about its metric. */
export interface DescribedSample {
  readonly name: string;
  readonly job: string;
  readonly timestampMs: number;
  readonly value: number;
  /** 1 is a counter, 2 a gauge. */
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}

/** Posts a remote write 2.0 body, the only one whose metadata a Prometheus logs. */
export async function writeDescribed(url: string, samples: readonly DescribedSample[]): Promise<Answer> {
  const symbols = ['', '__name__', 'job'];
  const symbol = (text: string): number => symbols.push(text) - 1;
  const series = samples.map(({ name, job, timestampMs, value, type, help, unit }) =>
    Buffer.concat([
      field(1, Uint8Array.of(1, symbol(name), 2, symbol(job))),
      field(2, Buffer.concat([double(1, value), number(2, timestampMs)])),
      field(5, Buffer.concat([number(1, type), number(3, symbol(help)), number(4, symbol(unit))])),
    ]),
  );
  invariant(symbols.length < 0x80, 'each reference is one byte');
  const body = Buffer.concat([...symbols.map((text) => field(4, text)), ...series.map((one) => field(5, one))]);
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Write-Version': '2.0.0',
    },
    body: new Uint8Array(await compress(body)),
  });
  return { status: response.status, text: await response.text() };
}
