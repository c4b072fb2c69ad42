import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { MiB, messageOf } from '@gauntlet/base';
import { MetaMonitoringError } from './errors.js';
import type { HttpClientSettings, MetaMonitoring } from './limits-config.js';

/** About 100,000 tenants. */
export const answerBytesMax = 16 * MiB;

/** GETs a URL over HTTP. Rejects unless the answer is 200 and within `answerBytesMax`. */
export type Fetch = (url: URL, client: HttpClientSettings, signal: AbortSignal) => Promise<Buffer>;

/**
 * Asks any server with Prometheus' query API how many series its tenants have now.
 * @throws MetaMonitoringError, without URL or credentials
 */
export async function querySeries(
  { url, query, client }: MetaMonitoring,
  { nowMs, fetch, signal }: { nowMs: number; fetch: Fetch; signal: AbortSignal },
): Promise<Map<string, number>> {
  const target = new URL(url);
  target.pathname = `${target.pathname.replace(/\/+$/, '')}/api/v1/query`;
  target.search = new URLSearchParams({
    query,
    time: new Date(nowMs).toISOString(),
    dedup: 'true',
    partial_response: 'true',
    explain: 'false',
    analyze: 'false',
    engine: '',
  }).toString();
  let body: Buffer;
  try {
    body = await fetch(target, client, signal);
  } catch (error) {
    throw error instanceof MetaMonitoringError ? error : failed(reasonOf(error), error);
  }
  return seriesOf(body);
}

/** Tenants and numbers of an instant vector. Elements without a tenant, and numbers that are none, are left out. */
function seriesOf(body: Buffer): Map<string, number> {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw failed('the answer is not JSON', error);
  }
  const { status, data } = answer !== null && typeof answer === 'object' ? (answer as Answer) : {};
  if (status !== 'success') throw failed('the answer reports an error');
  if (data?.resultType !== 'vector' || !Array.isArray(data.result)) throw failed('the answer is not an instant vector');
  const series = new Map<string, number>();
  for (const element of data.result as (Element | null)[]) {
    const tenant = element?.metric?.['tenant'];
    const text = element?.value?.[1];
    if (typeof tenant !== 'string' || typeof text !== 'string') continue;
    const number = text === '+Inf' ? Infinity : Number(text);
    if (!Number.isNaN(number)) series.set(tenant, number);
  }
  return series;
}

interface Answer {
  readonly status?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown } | null;
}
interface Element {
  readonly metric?: Readonly<Record<string, unknown>> | null;
  readonly value?: readonly unknown[] | null;
}

/** Redirects are not followed: they would carry credentials to whatever they name. */
export const nodeFetch: Fetch = async (url, client, signal) => {
  const options: RequestOptions = {
    method: 'GET',
    agent: false, // One query in 15 s needs no pool.
    signal,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'gauntlet',
      ...(await authorization(client)),
    },
    ...(url.protocol === 'https:' ? await tlsOptions(client) : {}),
  };
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    send(url, options, resolve).once('error', reject).end(),
  );
  if (response.statusCode !== 200) {
    response.destroy();
    throw failed(`the answer's status is ${response.statusCode}`);
  }
  return readBounded(response);
};

async function readBounded(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > answerBytesMax) throw failed(`the answer has more than ${answerBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function authorization(client: HttpClientSettings): Promise<{ authorization?: string }> {
  const token = client.bearerToken || (await secretOf(client.bearerTokenFile, 'bearer_token_file'));
  if (token !== '') return { authorization: `Bearer ${token}` };
  const password = client.password || (await secretOf(client.passwordFile, 'password_file'));
  if (client.username === '' && password === '') return {};
  return { authorization: `Basic ${Buffer.from(`${client.username}:${password}`).toString('base64')}` };
}

async function secretOf(path: string, key: string): Promise<string> {
  return path === '' ? '' : (await fileOf(path, key)).toString('utf8').trim();
}

async function tlsOptions(client: HttpClientSettings): Promise<RequestOptions> {
  return {
    rejectUnauthorized: !client.insecureSkipVerify,
    ...(client.caFile === '' ? {} : { ca: await fileOf(client.caFile, 'ca_file') }),
    ...(client.certFile === ''
      ? {}
      : { cert: await fileOf(client.certFile, 'cert_file'), key: await fileOf(client.keyFile, 'key_file') }),
    ...(client.serverName === '' ? {} : { servername: client.serverName }),
  };
}

async function fileOf(path: string, key: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw failed(`${key} cannot be read: ${reasonOf(error)}`, error);
  }
}

/** Codes where there are some: the messages of Node may quote addresses, or headers that it refuses to send. */
function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : messageOf(error);
}

function failed(reason: string, cause?: unknown): MetaMonitoringError {
  return new MetaMonitoringError(`Cannot query meta-monitoring: ${reason}`, cause === undefined ? {} : { cause });
}
