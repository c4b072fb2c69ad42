import { JsonNumber, JsonObject, JsonSyntaxError, parseJson, type Json } from '@gauntlet/base';
import { HashringError } from './error.js';

/** A member of a hashring. */
export interface Endpoint {
  /** Where its gRPC listener is, exactly as in the file: the text decides the placement. */
  readonly address: string;
  /** Where its Cap'n Proto listener is. We never call it; messages name it. */
  readonly capnprotoAddress: string;
  /** Its availability zone, or the empty text. */
  readonly zone: string;
}

export interface ShuffleShardingConfig {
  /** Endpoints for each tenant; 0 and less: all. */
  readonly shardSize: number;
  readonly cacheSize: number;
  readonly zoneAwarenessDisabled: boolean;
  readonly overrides: readonly {
    readonly shardSize: number;
    readonly tenants: readonly string[];
    readonly matcherType: string;
  }[];
}

/** One hashring as the file has it; whether a ring can be built from it is another question (`buildHashrings`). */
export interface HashringConfig {
  readonly name: string;
  /** Names or patterns. Without any, the hashring takes every tenant. */
  readonly tenants: readonly string[];
  /** `exact`, `glob`, or empty for exact. */
  readonly matcherType: string;
  readonly endpoints: readonly Endpoint[];
  /** `hashmod`, `ketama`, or empty for the default. */
  readonly algorithm: string;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly shuffleSharding: ShuffleShardingConfig;
}

/**
 * Reads the JSON of a hashring file (spec/receive.md 3.1). Unknown keys are ignored, keys match in any case, null means not set.
 * @returns the hashrings in file order, which decides who takes a tenant; none for `[]` and `null`
 * @throws HashringError HASHRING_UNPARSABLE
 */
export function parseHashrings(text: string): HashringConfig[] {
  let json: Json;
  try {
    json = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new HashringError(
      'HASHRING_UNPARSABLE',
      `Cannot read the JSON at character ${error.offset}: ${error.message}`,
      { cause: error },
    );
  }
  return list(json, 'the configuration').map(hashring);
}

function hashring(json: Json, index: number): HashringConfig {
  const at = `hashring ${index}`;
  const fields = object(json, at);
  const shuffle = object(fieldOf(fields, 'shuffle_sharding_config'), `${at}: shuffle_sharding_config`);
  return {
    name: string(fieldOf(fields, 'hashring'), `${at}: hashring`),
    tenants: strings(fieldOf(fields, 'tenants'), `${at}: tenants`),
    matcherType: string(fieldOf(fields, 'tenant_matcher_type'), `${at}: tenant_matcher_type`),
    endpoints: list(fieldOf(fields, 'endpoints'), `${at}: endpoints`).map((item, i) =>
      endpoint(item, `${at}: endpoint ${i}`),
    ),
    algorithm: string(fieldOf(fields, 'algorithm'), `${at}: algorithm`),
    externalLabels: new Map(
      object(fieldOf(fields, 'external_labels'), `${at}: external_labels`).fields.map(([name, value]) => [
        name,
        string(value, `${at}: external_labels`),
      ]),
    ),
    shuffleSharding: {
      shardSize: integer(fieldOf(shuffle, 'shard_size'), `${at}: shard_size`),
      cacheSize: integer(fieldOf(shuffle, 'cache_size'), `${at}: cache_size`),
      zoneAwarenessDisabled: boolean(fieldOf(shuffle, 'zone_awareness_disabled'), `${at}: zone_awareness_disabled`),
      overrides: list(fieldOf(shuffle, 'overrides'), `${at}: overrides`).map((item) => {
        const override = object(item, `${at}: override`);
        return {
          shardSize: integer(fieldOf(override, 'shard_size'), `${at}: override: shard_size`),
          tenants: strings(fieldOf(override, 'tenants'), `${at}: override: tenants`),
          matcherType: string(fieldOf(override, 'tenant_matcher_type'), `${at}: override: tenant_matcher_type`),
        };
      }),
    },
  };
}

function endpoint(json: Json, at: string): Endpoint {
  const fields = typeof json === 'string' ? new JsonObject([['address', json]]) : object(json, at);
  const address = string(fieldOf(fields, 'address'), `${at}: address`);
  if (address === '') throw new HashringError('HASHRING_UNPARSABLE', 'endpoint address must be set');
  return {
    address,
    capnprotoAddress:
      string(fieldOf(fields, 'capnproto_address'), `${at}: capnproto_address`) || `${hostOf(address)}:19391`,
    zone: string(fieldOf(fields, 'az'), `${at}: az`),
  };
}

/** What precedes the port, and `[...]` as a whole where an IPv6 address stands. */
function hostOf(address: string): string {
  return /^(\[[^\]]*\]|[^:]*)/.exec(address)?.[0] ?? address;
}

function wrongType(at: string, expected: string): HashringError {
  return new HashringError('HASHRING_UNPARSABLE', `Cannot read ${at}: not ${expected}`);
}

/** The last value under that key, in any case; null, as in the file, means not set. */
function fieldOf({ fields }: JsonObject, key: string): Json {
  return fields.findLast(([name]) => name.toLowerCase() === key)?.[1] ?? null;
}

function object(json: Json, at: string): JsonObject {
  if (json === null) return new JsonObject([]);
  if (json instanceof JsonObject) return json;
  throw wrongType(at, 'an object');
}

function list(json: Json, at: string): readonly Json[] {
  if (json === null) return [];
  if (Array.isArray(json)) return json as readonly Json[];
  throw wrongType(at, 'a list');
}

function strings(json: Json, at: string): string[] {
  return list(json, at).map((item) => string(item, at));
}

function string(json: Json, at: string): string {
  if (json === null) return '';
  if (typeof json === 'string') return json;
  throw wrongType(at, 'a string');
}

function boolean(json: Json, at: string): boolean {
  if (json === null) return false;
  if (typeof json === 'boolean') return json;
  throw wrongType(at, 'true or false');
}

function integer(json: Json, at: string): number {
  if (json === null) return 0;
  if (json instanceof JsonNumber && /^-?\d+$/.test(json.text) && Number.isSafeInteger(Number(json.text)))
    return Number(json.text);
  throw wrongType(at, 'an integer');
}
