import type { Attribute, AttributeReader } from './attributes.js';
import { bitsOf, doubleOf } from './double-bits.js';
import { ProtobufOutput } from './protobuf-output.js';
import type { ProtobufCursor } from './protobuf-cursor.js';

/** An exemplar as a series keeps it: a prometheus.Exemplar. */
export interface Exemplar {
  readonly value: number;
  readonly timestampMs: number;
  readonly message: ProtobufOutput;
}

/** Labels of an exemplar have at most so many characters, by OpenMetrics. */
const labelCharactersMax = 128;

/** Reads an `opentelemetry.Exemplar`; undefined if it has no value. */
export function readExemplar(message: ProtobufCursor, reader: AttributeReader): Exemplar | undefined {
  let timestampMs = 0;
  let bits: bigint | undefined;
  let spanId = '';
  let traceId = '';
  const attributes: Attribute[] = [];
  for (let field = message.nextField(); field !== 0; field = message.nextField()) {
    if (field === 2) timestampMs = message.timestampMs();
    else if (field === 3) bits = message.fixed64();
    else if (field === 4) spanId = readId(message, 8);
    else if (field === 5) traceId = readId(message, 16);
    else if (field === 6) bits = bitsOf(Number(BigInt.asIntN(64, message.fixed64())));
    else if (field === 7) reader.readInto(attributes, message.message());
    else message.skip();
  }
  if (bits === undefined) return undefined;
  const output = new ProtobufOutput(64);
  for (const [name, value] of labelsOf(traceId, spanId, attributes)) output.label(1, name, value);
  output.fixed64(2, bits);
  output.varint(3, timestampMs);
  return { value: doubleOf(bits), timestampMs, message: output };
}

/** An id in hexadecimal; empty if it is absent or nothing but zeros. */
function readId(message: ProtobufCursor, bytes: number): string {
  const id = message.text();
  if (id.length !== 0 && id.length !== bytes) throw message.malformed(`an id has not ${bytes} bytes`);
  return /^\0*$/.test(id) ? '' : Buffer.from(id, 'latin1').toString('hex');
}

/** Sorted by name. Attributes come along with the ids only if all of them find room; their keys stay as they are. */
function labelsOf(traceId: string, spanId: string, attributes: readonly Attribute[]): [string, string][] {
  const ids: [string, string][] = [];
  if (spanId !== '') ids.push(['span_id', spanId]);
  if (traceId !== '') ids.push(['trace_id', traceId]);
  const all = [...attributes.map(({ key, text }): [string, string] => [key, text]), ...ids];
  const characters = all.reduce((sum, [name, value]) => sum + charactersOf(name) + charactersOf(value), 0);
  // Where names come twice, ids win.
  const labels = [...new Map(characters <= labelCharactersMax ? all : ids)];
  return labels.sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Bytes of UTF-8 that begin a character. */
function charactersOf(bytes: string): number {
  let count = 0;
  for (let at = 0; at < bytes.length && count <= labelCharactersMax; at += 1) {
    if ((bytes.charCodeAt(at) & 0xc0) !== 0x80) count += 1;
  }
  return count;
}
