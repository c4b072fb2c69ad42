import { JsonNumber, JsonObject, JsonSyntaxError, parseJson, toInt64, type Json } from '@gauntlet/base';
import { isUlid } from '@gauntlet/model';
import { BlockCorruptError } from './corrupt.js';
import { formatJson, toPlain } from './format-json.js';

/** meta.json of a block (spec/tsdb.md 4.4). Names are those of the file. Fields that the file leaves out are absent. */
export interface BlockMeta {
  readonly ulid: string;
  /** The block covers [minTime, maxTime), in Unix milliseconds. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: MetaStats;
  readonly compaction: MetaCompaction;
  readonly version: 1;
  /** Only in the bucket's copy, as far as receivers go (spec/receive.md 7.9). */
  readonly thanos?: ThanosMeta;
}

/** Zeros are left out. */
export interface MetaStats {
  readonly numSamples?: number;
  readonly numFloatSamples?: number;
  readonly numHistogramSamples?: number;
  readonly numSeries?: number;
  readonly numChunks?: number;
  readonly numTombstones?: number;
}

export interface MetaCompaction {
  readonly level: number;
  readonly sources?: readonly string[];
  readonly deletable?: boolean;
  readonly parents?: readonly { readonly ulid: string; readonly minTime: number; readonly maxTime: number }[];
  readonly failed?: boolean;
  /** `from-out-of-order`, `from-stale-series`, `from-selected-series`. */
  readonly hints?: readonly string[];
}

export interface ThanosMeta {
  readonly version?: number;
  /** The external labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly downsample: { readonly resolution: number };
  readonly source: string;
  readonly segment_files?: readonly string[];
  readonly files?: readonly ThanosFile[];
  /** Carried along unread. */
  readonly rewrites?: unknown;
  readonly index_stats?: { readonly series_max_size?: number; readonly chunk_max_size?: number };
  /** Carried along unread. */
  readonly extensions?: unknown;
  /** RFC 3339. */
  readonly upload_time?: string;
}

export interface ThanosFile {
  readonly rel_path: string;
  /** Absent for meta.json. */
  readonly size_bytes?: number;
  readonly hash?: { readonly hashFunc: string; readonly value: string };
}

/** Sources and parents of the largest blocks take some kilobytes. */
const metaLengthMax = 4 * 2 ** 20;
/** Of an int64, with its sign. */
const int64DigitsMax = 20;
const zeroUlid = '0'.repeat(26);
const file = 'meta.json';

/**
 * Writes meta.json as the reference does, byte for byte: tab-indented, zeros left out, and with a line end behind it when it
 * has a `thanos` section.
 */
export function encodeBlockMeta({ ulid, minTime, maxTime, stats, compaction, version, thanos }: BlockMeta): string {
  const text = formatJson({
    ulid,
    minTime: toInt64(minTime),
    maxTime: toInt64(maxTime),
    stats: {
      numSamples: stats.numSamples || undefined,
      numFloatSamples: stats.numFloatSamples || undefined,
      numHistogramSamples: stats.numHistogramSamples || undefined,
      numSeries: stats.numSeries || undefined,
      numChunks: stats.numChunks || undefined,
      numTombstones: stats.numTombstones || undefined,
    },
    compaction: {
      level: compaction.level,
      sources: unlessEmpty(compaction.sources),
      deletable: compaction.deletable || undefined,
      parents: unlessEmpty(
        compaction.parents?.map((parent) => ({
          ulid: parent.ulid,
          minTime: toInt64(parent.minTime),
          maxTime: toInt64(parent.maxTime),
        })),
      ),
      failed: compaction.failed || undefined,
      hints: unlessEmpty(compaction.hints),
    },
    version,
    thanos: thanos && thanosFields(thanos),
  });
  return thanos === undefined ? text : `${text}\n`;
}

function thanosFields(thanos: ThanosMeta): object {
  const labels = Object.entries(thanos.labels).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return {
    version: thanos.version || undefined,
    labels: new Map(labels), // An object would put names like `10` first.
    downsample: { resolution: thanos.downsample.resolution },
    source: thanos.source,
    segment_files: unlessEmpty(thanos.segment_files),
    files: unlessEmpty(
      thanos.files?.map(({ rel_path, size_bytes, hash }) => ({
        rel_path,
        size_bytes: size_bytes || undefined,
        hash: hash && { hashFunc: hash.hashFunc, value: hash.value },
      })),
    ),
    rewrites: thanos.rewrites ?? undefined,
    index_stats: thanos.index_stats ?? {},
    extensions: thanos.extensions ?? undefined,
    upload_time: thanos.upload_time,
  };
}

function unlessEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}

/**
 * Reads meta.json as leniently as the reference (vectors in testdata/meta-cases.jsonl): names match in any case, the last of
 * repeated fields wins, null leaves a field at its zero, unknown fields are ignored. The caller decodes UTF-8 and leaves a byte
 * order mark in, which is an error. Text of more than 4 Mi characters is refused.
 * @throws BlockCorruptError (code BLOCK_META_CORRUPT)
 */
export function parseBlockMeta(text: string): BlockMeta {
  const root = new Fields(parse(text), file);
  const version = root.integer('version');
  if (version !== 1) throw corrupt(`version is ${version}, and only 1 is known`);
  const stats = root.object('stats');
  const compaction = root.object('compaction');
  const thanos = root.object('thanos');
  return {
    ulid: root.ulid('ulid'),
    minTime: root.integer('minTime'),
    maxTime: root.integer('maxTime'),
    stats: withoutZeros({
      numSamples: stats?.natural('numSamples'),
      numFloatSamples: stats?.natural('numFloatSamples'),
      numHistogramSamples: stats?.natural('numHistogramSamples'),
      numSeries: stats?.natural('numSeries'),
      numChunks: stats?.natural('numChunks'),
      numTombstones: stats?.natural('numTombstones'),
    }),
    compaction: {
      level: compaction?.integer('level') ?? 0,
      ...withoutZeros({
        sources: compaction?.list('sources', ulidOf),
        deletable: compaction?.boolean('deletable'),
        parents: compaction?.list('parents', parentOf),
        failed: compaction?.boolean('failed'),
        hints: compaction?.list('hints', stringOf),
      }),
    },
    version,
    ...(thanos && { thanos: thanosOf(thanos) }),
  };
}

function thanosOf(fields: Fields): ThanosMeta {
  return {
    ...withoutZeros({ version: fields.integer('version') }),
    labels: Object.fromEntries(
      (fields.object('labels')?.all ?? []).map(([name, value]) => [name, stringOf(value, name)]),
    ),
    downsample: { resolution: fields.object('downsample')?.integer('resolution') ?? 0 },
    source: fields.string('source'),
    ...withoutZeros({
      segment_files: fields.list('segment_files', stringOf),
      files: fields.list('files', fileOf),
      rewrites: fields.plain('rewrites'),
    }),
    index_stats: withoutZeros({
      series_max_size: fields.object('index_stats')?.integer('series_max_size'),
      chunk_max_size: fields.object('index_stats')?.integer('chunk_max_size'),
    }),
    ...withoutZeros({ extensions: fields.plain('extensions'), upload_time: fields.string('upload_time') }),
  };
}

function parentOf(value: Json, name: string): { ulid: string; minTime: number; maxTime: number } {
  const fields = new Fields(value, name);
  return { ulid: fields.ulid('ulid'), minTime: fields.integer('minTime'), maxTime: fields.integer('maxTime') };
}

function fileOf(value: Json, name: string): ThanosFile {
  const fields = new Fields(value, name);
  const hash = fields.object('hash');
  return {
    rel_path: fields.string('rel_path'),
    ...withoutZeros({ size_bytes: fields.integer('size_bytes') }),
    ...(hash && { hash: { hashFunc: hash.string('hashFunc'), value: hash.string('value') } }),
  };
}

/** Reads the fields of an object by name. A field that is absent or null is zero. */
class Fields {
  readonly all: readonly (readonly [string, Json])[];

  constructor(value: Json, name: string) {
    if (value !== null && !(value instanceof JsonObject)) throw corrupt(`${name} is not an object`);
    this.all = value?.fields ?? [];
  }

  integer(name: string): number {
    const value = this.#find(name);
    if (value === undefined) return 0;
    if (!(value instanceof JsonNumber) || !/^-?[0-9]+$/.test(value.text)) throw corrupt(`${name} is not an integer`);
    const integer = BigInt(value.text.slice(0, int64DigitsMax + 1));
    if (value.text.length > int64DigitsMax || BigInt.asIntN(64, integer) !== integer)
      throw corrupt(`${name} does not fit 64 bits`);
    return Number(integer);
  }

  natural(name: string): number {
    const value = this.integer(name);
    if (value < 0) throw corrupt(`${name} is negative`);
    return value;
  }

  string(name: string): string {
    const value = this.#find(name);
    return value === undefined ? '' : stringOf(value, name);
  }

  ulid(name: string): string {
    const value = this.#find(name);
    return value === undefined ? zeroUlid : ulidOf(value, name);
  }

  boolean(name: string): boolean {
    const value = this.#find(name) ?? false;
    if (typeof value !== 'boolean') throw corrupt(`${name} is not true or false`);
    return value;
  }

  list<T>(name: string, item: (value: Json, name: string) => T): T[] {
    const value = this.#find(name) ?? [];
    if (!Array.isArray(value)) throw corrupt(`${name} is not a list`);
    return (value as readonly Json[]).map((entry) => item(entry, name));
  }

  object(name: string): Fields | undefined {
    const value = this.#find(name);
    return value === undefined ? undefined : new Fields(value, name);
  }

  plain(name: string): unknown {
    const value = this.#find(name);
    return value === undefined ? undefined : toPlain(value);
  }

  #find(name: string): Exclude<Json, null> | undefined {
    const wanted = name.toLowerCase();
    return this.all.findLast(([key, value]) => value !== null && key.toLowerCase() === wanted)?.[1] ?? undefined;
  }
}

function stringOf(value: Json, name: string): string {
  if (value === null) return '';
  if (typeof value !== 'string') throw corrupt(`${name} is not a string`);
  return value;
}

function ulidOf(value: Json, name: string): string {
  if (value === null) return zeroUlid;
  if (typeof value !== 'string' || !isUlid(value)) throw corrupt(`${name} is not a block id`);
  return value.toUpperCase();
}

function parse(text: string): Json {
  if (text.length > metaLengthMax) throw corrupt(`${text.length} characters are more than ${metaLengthMax}`);
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new BlockCorruptError('META', { file, offset: error.offset }, error.message, { cause: error });
  }
}

function corrupt(found: string): BlockCorruptError {
  return new BlockCorruptError('META', { file, offset: 0 }, found);
}

type Present<T> = { [key in keyof T]?: Exclude<T[key], undefined> };

/** Without the fields that are undefined, 0, false, or empty. */
function withoutZeros<T extends object>(fields: T): Present<T> {
  const kept = Object.entries(fields).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value)));
  return Object.fromEntries(kept) as Present<T>;
}
