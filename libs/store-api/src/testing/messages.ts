import { createRequire } from 'node:module';
import {
  prometheusRemote,
  thanosExemplarsExemplars,
  thanosInfoInfo,
  thanosStatusStatus,
  thanosStoreRpc,
} from '@gauntlet/wire';

/** What a message looks like in tests: fields by name, as text or numbers or bytes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are compared whole.
export type Plain = any;

interface Type {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  fromObject(object: unknown): object;
  toObject(message: object, options: object): Plain;
}
interface Root {
  lookupType(name: string): Type;
}

// The descriptors are read by the library that grpc-js brings along: an opinion of its own on what our bytes mean.
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  Root: { fromJSON(json: unknown): Root };
};
const roots = [thanosStoreRpc, thanosInfoInfo, thanosExemplarsExemplars, thanosStatusStatus, prometheusRemote].map(
  (json) => protobuf.Root.fromJSON(json),
);

function typeOf(name: string): Type {
  for (const root of roots) {
    try {
      return root.lookupType(name);
    } catch {
      // In another file, then.
    }
  }
  throw new Error(`there is no message ${name}`);
}

/** @param message in proto3's JSON form */
export function encodeMessage(name: string, message: object): Buffer {
  const type = typeOf(name);
  return Buffer.from(type.encode(type.fromObject(renamed(message, snakeCase))).finish());
}

/** Times and counts become texts, since numbers do not hold them all. Fields that are not there stay away; lists are there. */
export function decodeMessage(name: string, bytes: Uint8Array): Plain {
  const type = typeOf(name);
  return renamed(type.toObject(type.decode(bytes), { longs: String, arrays: true }), camelCase);
}

const snakeCase = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (upper) => `_${upper.toLowerCase()}`);
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_all, lower: string) => lower.toUpperCase());

/** Descriptors have the names of the files. */
function renamed(value: Plain, rename: (name: string) => string): Plain {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [rename(name), renamed(inner, rename)]));
}
