import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type * as https from 'node:https';
import { Readable } from 'node:stream';
import { type Clock, messageOf, secondMs, systemClock } from '@gauntlet/base';
import { Client } from 'minio';
import { type Bucket, type ObjectAttributes, type ObjectSource } from './bucket.js';
import { BucketConfigError } from './bucket-config.js';
import { BucketError, type BucketErrorCode, cancelled, throwIfCancelled } from './bucket-error.js';
import { checkObjectName, compareNames, dirPrefix } from './object-name.js';
import { exactBytes, SourceFailure, unwrapSourceFailure } from './object-source.js';
import { partBytesMax, type S3Config, type S3Encryption } from './s3-config.js';
import { AwsCredentialChain } from './s3-credentials.js';
import { attemptsDefault, isRetried, retrying } from './s3-retry.js';
import { type S3Exchange, S3Transport, type TlsMaterial } from './s3-transport.js';

const partsMax = 10_000;
const partsInFlightMax = 4;
/** An upload that fails is aborted on the store even though its caller is gone, but not for longer than this. */
const abortMsMax = 10 * secondMs;
const abortAttemptsMax = 3;
/** A completion whose answer was lost cannot be asked for again; the whole upload can. */
const multipartTriesMax = 2;

export interface S3BucketOptions {
  readonly clock?: Pick<Clock, 'sleep'>;
  readonly random?: () => number;
  /** Gets every exchange when the document says `trace.enable`. */
  readonly trace?: (exchange: S3Exchange) => void;
  readonly environment?: NodeJS.ProcessEnv;
  /** Named in the user agent, such as `thanos-receive/1.0`. */
  readonly application?: { readonly name: string; readonly version: string };
}

type Headers = Record<string, string>;

/**
 * A bucket behind the S3 API. The minio client signs, finds regions and parses; requests are made one by one, because its own
 * upload numbers parts from 2, holds whole parts in memory and cannot be cancelled. Sources are streamed, never gathered.
 */
export class S3Bucket implements Bucket {
  readonly provider = 'S3';
  readonly name: string;
  readonly #config: S3Config;
  readonly #client: Client;
  readonly #transport: S3Transport;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #random: () => number;
  readonly #uploadHeaders: Headers;
  /** Those of SSE-C, which every read and every part repeats. */
  readonly #keyHeaders: Headers;

  constructor(config: S3Config, options: S3BucketOptions = {}) {
    this.name = config.bucket;
    this.#config = config;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const encryption = encryptionHeaders(config.encryption);
    this.#keyHeaders = encryption.everywhere;
    this.#uploadHeaders = { ...metadataHeaders(config), ...encryption.upload, ...encryption.everywhere };
    this.#transport = new S3Transport({
      secure: !config.insecure,
      limits: config.http,
      tls: readTls(config),
      trace: config.trace ? options.trace : undefined,
    });
    this.#client = makeClient(config, this.#transport, options);
  }

  async upload(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    checkObjectName(name, 'upload');
    const what = `upload object ${name}`;
    const { partBytes, multipart } = this.#config;
    try {
      if (source.size <= partBytes || !multipart) await this.#putWhole(name, source, signal);
      else await this.#putParts(name, source, signal);
    } catch (error) {
      throw this.#translate(unwrapSourceFailure(error), what, signal, error instanceof SourceFailure);
    }
  }

  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.#read(name, undefined, signal);
  }

  async getRange(
    name: string,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    if (length === 0) {
      await this.attributes(name, signal); // There is no way to ask for no bytes; that the object is missing must show nevertheless.
      return noBytes();
    }
    const range =
      length < 0 ? (offset === 0 ? undefined : `bytes=${offset}-`) : `bytes=${offset}-${offset + length - 1}`;
    return await this.#read(name, range, signal);
  }

  async exists(name: string, signal: AbortSignal): Promise<boolean> {
    checkObjectName(name, 'look for');
    try {
      await this.#head(name, `look for object ${name}`, signal);
      return true;
    } catch (error) {
      if (error instanceof BucketError && error.code === 'OBJECT_NOT_FOUND') return false;
      throw error;
    }
  }

  async attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes> {
    checkObjectName(name, 'describe');
    const headers = await this.#head(name, `describe object ${name}`, signal);
    return {
      size: Number(headers['content-length'] ?? 0),
      modifiedMs: Date.parse(String(headers['last-modified'])) || 0,
    };
  }

  async *list(dir: string, options: { readonly recursive?: boolean }, signal: AbortSignal): AsyncGenerator<string> {
    const prefix = dirPrefix(dir);
    if (prefix !== '') checkObjectName(prefix.slice(0, -1), 'list');
    const delimiter = options.recursive === true ? '' : '/';
    let next = '';
    do {
      const page = await this.#call(`list objects below "${prefix}"`, signal, () =>
        this.#page(prefix, delimiter, next),
      );
      // Objects and directories come apart, but a page holds a whole stretch of the order.
      for (const name of page.names.sort(compareNames)) if (name !== '' && name !== prefix) yield name;
      next = page.next;
    } while (next !== '');
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    checkObjectName(name, 'delete');
    try {
      await this.#call(`delete object ${name}`, signal, () =>
        this.#client.makeRequestAsyncOmit(this.#request('DELETE', name), '', [200, 204]),
      );
    } catch (error) {
      if (!(error instanceof BucketError) || error.code !== 'OBJECT_NOT_FOUND') throw error;
    }
  }

  async close(): Promise<void> {
    this.#transport.close();
  }

  // Uploads.

  async #putWhole(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    if (source.size > partBytesMax)
      throw new BucketError(
        'BUCKET_REQUEST_REJECTED',
        `Cannot upload object ${name}: ${source.size} bytes are more than one request may carry (${partBytesMax})`,
      );
    await this.#retry(signal, () =>
      this.#put({ name, source, from: 0, to: source.size, headers: this.#uploadHeaders }),
    );
  }

  async #putParts(name: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
    if (Math.ceil(source.size / this.#config.partBytes) > partsMax) {
      throw new BucketError(
        'BUCKET_REQUEST_REJECTED',
        `Cannot upload object ${name}: ${source.size} bytes need more than ${partsMax} parts; raise part_size`,
      );
    }
    for (let tries = 1; ; tries++) {
      const uploadId = await this.#retry(signal, () =>
        this.#client.initiateNewMultipartUpload(this.name, name, { ...this.#uploadHeaders }),
      );
      try {
        const parts = await this.#sendParts(name, uploadId, source, signal);
        await this.#retry(signal, () => this.#client.completeMultipartUpload(this.name, name, uploadId, parts));
        return;
      } catch (error) {
        await this.#abort(name, uploadId);
        if (codeOf(error) !== 'NoSuchUpload' || tries === multipartTriesMax) throw error;
      }
    }
  }

  /** Sends all parts, a few at a time, numbered from 1. The first failure ends the others before it is thrown. */
  async #sendParts(
    name: string,
    uploadId: string,
    source: ObjectSource,
    signal: AbortSignal,
  ): Promise<{ part: number; etag: string }[]> {
    const { partBytes } = this.#config;
    const count = Math.ceil(source.size / partBytes);
    const parts: { part: number; etag: string }[] = [];
    const failure = new AbortController();
    let failed: { error: unknown } | undefined;
    const either = AbortSignal.any([signal, failure.signal]);
    const worker = async (): Promise<void> => {
      for (let part = parts.length + 1; part <= count && failed === undefined; part = parts.length + 1) {
        const slot = { part, etag: '' };
        parts.push(slot); // Claimed in the same turn: another worker takes the next.
        const from = (part - 1) * partBytes;
        const query = `partNumber=${part}&uploadId=${encodeURIComponent(uploadId)}`;
        try {
          slot.etag = await this.#retry(either, () =>
            this.#put({
              name,
              source,
              from,
              to: Math.min(from + partBytes, source.size),
              headers: this.#keyHeaders,
              query,
            }),
          );
        } catch (error) {
          failed ??= { error };
          failure.abort(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, partsInFlightMax) }, worker));
    if (failed !== undefined) throw (failed as { error: unknown }).error;
    return parts;
  }

  async #put({
    name,
    source,
    from,
    to,
    headers,
    query,
  }: {
    name: string;
    source: ObjectSource;
    from: number;
    to: number;
    headers: Headers;
    query?: string;
  }): Promise<string> {
    const sums = await this.#checksums(source, from, to);
    const request = this.#request(
      'PUT',
      name,
      {
        ...headers,
        'content-length': String(to - from),
        ...(sums.md5 === undefined ? {} : { 'content-md5': sums.md5 }),
      },
      query,
    );
    let failure: { error: unknown } | undefined;
    const body = Readable.from(
      (async function* () {
        try {
          yield* exactBytes(source, from, to);
        } catch (error) {
          failure = { error };
          throw error;
        }
      })(),
      { objectMode: false },
    );
    try {
      const response = await this.#client.makeRequestStreamAsync(
        request,
        to === from ? '' : body,
        sums.sha256,
        [200],
        '',
      );
      response.resume();
      return String(response.headers.etag ?? '').replaceAll('"', '');
    } catch (error) {
      throw failure === undefined ? error : failure.error; // A broken source shows as a broken connection, too.
    } finally {
      body.destroy();
    }
  }

  /** What the request must announce of its body. Reading twice costs less than holding parts in memory. */
  async #checksums(
    source: ObjectSource,
    from: number,
    to: number,
  ): Promise<{ md5: string | undefined; sha256: string }> {
    const md5 = this.#config.sendContentMd5 ? createHash('md5') : undefined;
    const sha256 = this.#client.enableSHA256 ? createHash('sha256') : undefined;
    if (md5 !== undefined || sha256 !== undefined) {
      for await (const piece of exactBytes(source, from, to)) {
        md5?.update(piece);
        sha256?.update(piece);
      }
    }
    return { md5: md5?.digest('base64'), sha256: sha256?.digest('hex') ?? '' };
  }

  /** Best effort: what remains is not visible as an object, and the store's lifecycle rules remove it. */
  async #abort(name: string, uploadId: string): Promise<void> {
    const signal = AbortSignal.timeout(abortMsMax);
    const abort = (): Promise<void> => this.#client.abortMultipartUpload(this.name, name, uploadId);
    await this.#retry(signal, abort, abortAttemptsMax).catch(() => undefined);
  }

  // Reads.

  async #read(name: string, range: string | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    checkObjectName(name, 'read');
    const what = `read object ${name}`;
    const headers = { ...this.#keyHeaders, ...(range === undefined ? {} : { range }) };
    try {
      const response = await this.#retry(signal, () =>
        this.#client.makeRequestAsync(this.#request('GET', name, headers), '', [200, 206]),
      );
      return this.#pieces(response, what, signal);
    } catch (error) {
      if (codeOf(error) === 'InvalidRange') return noBytes();
      throw this.#translate(error, what, signal);
    }
  }

  async *#pieces(response: AsyncIterable<Uint8Array>, what: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* response;
    } catch (error) {
      throw this.#translate(error, what, signal);
    }
  }

  async #head(name: string, what: string, signal: AbortSignal): Promise<Record<string, unknown>> {
    const response = await this.#call(what, signal, () =>
      this.#client.makeRequestAsyncOmit(this.#request('HEAD', name, { ...this.#keyHeaders })),
    );
    return response.headers;
  }

  async #page(prefix: string, delimiter: string, next: string): Promise<{ names: string[]; next: string }> {
    const page =
      this.#config.listVersion === 'v2'
        ? await this.#client.listObjectsV2Query(this.name, prefix, next, delimiter, 1000, '')
        : await this.#client.listObjectsQuery(this.name, prefix, next, { Delimiter: delimiter, MaxKeys: 1000 });
    const names = (page.objects as { name?: string; prefix?: string }[]).map(
      (object) => object.name ?? object.prefix ?? '',
    );
    if (!page.isTruncated) return { names, next: '' };
    return {
      names,
      next: 'nextContinuationToken' in page ? page.nextContinuationToken : (page.nextMarker ?? names.at(-1) ?? ''),
    };
  }

  // Requests.

  #request(
    method: string,
    objectName: string,
    headers: Headers = {},
    query?: string,
  ): { method: string; bucketName: string; objectName: string; headers: Headers; query?: string; pathStyle?: boolean } {
    return {
      method,
      bucketName: this.name,
      objectName,
      headers,
      ...(query === undefined ? {} : { query }),
      ...(this.#config.lookup === 'path' ? { pathStyle: true } : {}),
    };
  }

  async #call<T>(what: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    try {
      return await this.#retry(signal, run);
    } catch (error) {
      throw this.#translate(error, what, signal);
    }
  }

  async #retry<T>(
    signal: AbortSignal,
    run: () => Promise<T>,
    attemptsMax = this.#config.attemptsMax || attemptsDefault,
  ): Promise<T> {
    throwIfCancelled(signal, 'ask the bucket');
    setMaxListeners(0, signal); // One pass may have dozens of requests in flight, each of which listens.
    return await retrying({ attemptsMax, clock: this.#clock, random: this.#random, signal }, async () => {
      try {
        return await untilAborted(signal, this.#transport.within(signal, run));
      } catch (error) {
        const region = (error as { region?: unknown }).region;
        if (typeof region !== 'string' || region === '' || region === this.#client.region || isRetried(error))
          throw error;
        this.#client.region = region; // The store told us where the bucket lives: signed anew, for all that follow.
        return await untilAborted(signal, this.#transport.within(signal, run));
      }
    });
  }

  #translate(error: unknown, what: string, signal: AbortSignal, fromSource = false): unknown {
    if (fromSource) return error;
    if (signal.aborted) return cancelled(what, signal.reason);
    if (error instanceof BucketError) return error;
    return new BucketError(bucketCodeOf(error), `Cannot ${what}: ${describe(error)}`, { cause: error });
  }
}

function makeClient(
  config: S3Config,
  transport: S3Transport,
  { environment = process.env, application }: S3BucketOptions,
): Client {
  const region = config.region || regionOfAwsHost(config.host);
  const client = new Client({
    endPoint: config.host,
    port: config.port,
    useSSL: !config.insecure,
    ...(region === '' ? {} : { region }),
    ...(config.accessKey === ''
      ? { credentialsProvider: new AwsCredentialChain(environment) }
      : {
          accessKey: config.accessKey,
          secretKey: config.secretKey,
          ...(config.sessionToken === '' ? {} : { sessionToken: config.sessionToken }),
        }),
    pathStyle: config.lookup === 'path' || (config.lookup === 'auto' && !isVirtualHost(config.host)),
    transport: { request: transport.request.bind(transport) } as unknown as Pick<typeof https, 'request'>, // It only ever passes options and a callback.
    transportAgent: transport.agent,
    retryOptions: { disableRetry: true }, // Ours retries; see s3-transport.ts.
  });
  if (application !== undefined) client.setAppInfo(application.name, application.version);
  return client;
}

function readTls({ insecure, http }: S3Config): TlsMaterial {
  if (insecure) return {};
  return {
    ...(http.caFile === '' ? {} : { ca: readConfigured(http.caFile, 'http_config.tls_config.ca_file') }),
    ...(http.certFile === '' ? {} : { cert: readConfigured(http.certFile, 'http_config.tls_config.cert_file') }),
    ...(http.keyFile === '' ? {} : { key: readConfigured(http.keyFile, 'http_config.tls_config.key_file') }),
  };
}

function readConfigured(path: string, key: string): Buffer {
  try {
    return readFileSync(path); // At start only.
  } catch (error) {
    throw new BucketConfigError(`create S3 client: ${key}: ${messageOf(error)}`, { cause: error });
  }
}

function encryptionHeaders(encryption: S3Encryption): { upload: Headers; everywhere: Headers } {
  const header = 'x-amz-server-side-encryption';
  switch (encryption.type) {
    case 'none':
      return { upload: {}, everywhere: {} };
    case 'SSE-S3':
      return { upload: { [header]: 'AES256' }, everywhere: {} };
    case 'SSE-KMS': {
      const context =
        Object.keys(encryption.context).length === 0
          ? {}
          : { [`${header}-context`]: Buffer.from(JSON.stringify(encryption.context)).toString('base64') };
      return {
        upload: { [header]: 'aws:kms', [`${header}-aws-kms-key-id`]: encryption.keyId, ...context },
        everywhere: {},
      };
    }
    case 'SSE-C': {
      const key = readConfigured(encryption.keyFile, 'sse_config.encryption_key');
      if (key.length !== 32)
        throw new BucketConfigError(
          `create S3 client: sse_config.encryption_key: the file must hold 32 bytes, not ${key.length}`,
        );
      const customer = `${header}-customer`;
      return {
        upload: {},
        everywhere: {
          [`${customer}-algorithm`]: 'AES256',
          [`${customer}-key`]: key.toString('base64'),
          [`${customer}-key-md5`]: createHash('md5').update(key).digest('base64'),
        },
      };
    }
  }
}

function metadataHeaders({ userMetadata, storageClass }: S3Config): Headers {
  const headers: Headers = { 'content-type': 'application/octet-stream' };
  for (const [key, value] of Object.entries(userMetadata))
    headers[/^x-amz-/i.test(key) ? key.toLowerCase() : `x-amz-meta-${key.toLowerCase()}`] = value;
  if (storageClass !== '') headers['x-amz-storage-class'] = storageClass;
  return headers;
}

function regionOfAwsHost(host: string): string {
  return /^s3[.-](?:dualstack\.)?([a-z]{2}-[a-z0-9-]+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1] ?? '';
}

function isVirtualHost(host: string): boolean {
  return /(^|\.)(amazonaws\.com|amazonaws\.com\.cn|storage\.googleapis\.com|aliyuncs\.com)$/.test(host);
}

const deniedCodes = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AllAccessDisabled',
  'AccountProblem',
  'InvalidToken',
]);

function bucketCodeOf(error: unknown): BucketErrorCode {
  const code = codeOf(error);
  if (code === 'NoSuchKey' || code === 'NotFound') return 'OBJECT_NOT_FOUND';
  if (code !== undefined && deniedCodes.has(code)) return 'BUCKET_ACCESS_DENIED';
  // A missing bucket may be made, a certificate renewed, a disk replaced: only a complaint of S3 about the request is final.
  return isRetried(error) || code === undefined || code === 'NoSuchBucket' || /^[A-Z_]+$/.test(code)
    ? 'BUCKET_UNAVAILABLE'
    : 'BUCKET_REQUEST_REJECTED';
}

function describe(error: unknown): string {
  const code = codeOf(error);
  const message = messageOf(error) || 'no reason given';
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code !== '' ? code : undefined;
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** The client waits for more than requests (credentials, a region's answer): the caller need not. */
async function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
    promise.catch(() => undefined);
  }
}
