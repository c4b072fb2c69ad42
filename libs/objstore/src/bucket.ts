/** Where an upload takes its bytes from. The size is known, so that no client has to guess it. */
export interface ObjectSource {
  readonly size: number;
  /**
   * Streams the bytes of [from, to). Called again for each part, each checksum and each retry, several at a time, so that
   * no client needs to hold a part in memory. A pulled piece stays untouched until the next one is pulled.
   */
  open(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface ObjectAttributes {
  readonly size: number;
  readonly modifiedMs: number;
}

/**
 * An object store, as spec/objstore.md describes it. Names use `/`, without a leading one. Readers see whole objects or none.
 * An aborted signal ends a call with a BucketError of kind `cancelled`; every failure is a BucketError, except what the source of
 * an upload throws: that passes unchanged.
 */
export interface Bucket {
  /** For metrics and messages: the bucket's name, or `fs: <absolute directory>`. */
  readonly name: string;
  readonly provider: 'S3' | 'FILESYSTEM' | 'MEMORY';
  /** Replaces any object of that name. */
  upload(name: string, source: ObjectSource, signal: AbortSignal): Promise<void>;
  /** @throws BucketError of code OBJECT_NOT_FOUND, before the first byte */
  get(name: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /**
   * `length` -1 reads to the end; a range beyond it is clipped. Whoever gets a stream reads it to its end or leaves its loop:
   * an untouched one holds a connection.
   */
  getRange(name: string, offset: number, length: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  exists(name: string, signal: AbortSignal): Promise<boolean>;
  attributes(name: string, signal: AbortSignal): Promise<ObjectAttributes>;
  /** Names below `dir`, sorted; directories end with `/` unless `recursive`. A missing directory has no entries. */
  list(dir: string, options: { readonly recursive?: boolean }, signal: AbortSignal): AsyncIterable<string>;
  /** A missing object is no error. */
  delete(name: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
