import { encodeLabel, type EncodedLabel } from './label-set.js';
import { labelName } from './names.js';
import { OtlpTooLargeError } from './otlp-error.js';
import type { ProtobufCursor } from './protobuf-cursor.js';

/** An attribute. Characters are bytes. */
export interface Attribute {
  readonly key: string;
  /** Its value as text. */
  readonly text: string;
  /** The label that it is by itself; undefined if its key has no letter and no digit, and so no label name. */
  readonly label: EncodedLabel | undefined;
}

/** A value in a value, and so on: deeper ones are refused, since reading them recurses. */
export const valueDepthMax = 64;

/** More attributes are refused with the point or resource that has them. Clients send up to 128, by default. */
export const attributesMax = 1024;

/** All that is in the values of a data point or a resource, at any depth: they are read in one step. */
const elementsMax = 65_536;

const rememberedMax = 4096;
const rememberedBytesMax = 256;

/** Reads attributes, and remembers the first ones: most of them are those of many points. */
export class AttributeReader {
  readonly #remembered = new Map<string, Attribute>();
  readonly #values = new ValueReader();

  /** What is read from here on belongs to another data point or resource. */
  startPart(): void {
    this.#values.startPart();
  }

  /** Adds an attribute to others, unless there are too many already: one more is kept, for it tells. */
  readInto(attributes: Attribute[], message: ProtobufCursor): void {
    if (attributes.length <= attributesMax) attributes.push(this.#read(message));
  }

  /** @param message an `opentelemetry.KeyValue` */
  #read(message: ProtobufCursor): Attribute {
    if (message.bytesLeft > rememberedBytesMax) return this.#decode(message);
    const encoded = message.latin1();
    const known = this.#remembered.get(encoded);
    if (known !== undefined) return known;
    const attribute = this.#decode(message);
    if (this.#remembered.size < rememberedMax) this.#remembered.set(encoded, attribute);
    return attribute;
  }

  #decode(message: ProtobufCursor): Attribute {
    const [key, value] = this.#values.pair(message, 0);
    const text = textOf(value);
    const name = labelName(key);
    return { key, text, label: name === undefined ? undefined : encodeLabel(name, text) };
  }
}

/** An AnyValue. Doubles keep apart from integers, which are known by their type. */
type Value =
  | { readonly kind: 'empty' }
  | { readonly kind: 'text' | 'bytes'; readonly content: string }
  | { readonly kind: 'bool'; readonly content: boolean }
  | { readonly kind: 'int'; readonly content: bigint }
  | { readonly kind: 'double'; readonly content: number }
  | { readonly kind: 'array'; readonly content: readonly Value[] }
  | { readonly kind: 'map'; readonly content: ReadonlyMap<string, Value> };

const empty: Value = { kind: 'empty' };

/** Reads the values of attributes, and counts what is in them. */
class ValueReader {
  #elements = 0;

  startPart(): void {
    this.#elements = 0;
  }

  pair(message: ProtobufCursor, depth: number): [key: string, value: Value] {
    let key = '';
    let value = empty;
    for (let field = message.nextField(); field !== 0; field = message.nextField()) {
      if (field === 1) key = message.text();
      else if (field === 2) value = this.#value(message.message(), depth, value);
      else message.skip();
    }
    return [key, value];
  }

  #value(message: ProtobufCursor, depth: number, before: Value = empty): Value {
    let value = before;
    for (let field = message.nextField(); field !== 0; field = message.nextField()) {
      if (field === 1) value = { kind: 'text', content: message.text() };
      else if (field === 2) value = { kind: 'bool', content: message.varint() !== 0n };
      else if (field === 3) value = { kind: 'int', content: BigInt.asIntN(64, message.varint()) };
      else if (field === 4) value = { kind: 'double', content: message.double() };
      else if (field === 5 || field === 6) {
        if (depth === valueDepthMax) throw message.malformed('a value is nested too deeply');
        value = field === 5 ? this.#array(message.message(), depth + 1) : this.#map(message.message(), depth + 1);
      } else if (field === 7) value = { kind: 'bytes', content: message.text() };
      else message.skip();
    }
    return value;
  }

  #array(message: ProtobufCursor, depth: number): Value {
    const content: Value[] = [];
    for (let field = message.nextField(); field !== 0; field = message.nextField()) {
      if (field === 1) content.push(this.#value(this.#element(message), depth));
      else message.skip();
    }
    return { kind: 'array', content };
  }

  #map(message: ProtobufCursor, depth: number): Value {
    const content = new Map<string, Value>();
    for (let field = message.nextField(); field !== 0; field = message.nextField()) {
      if (field === 1) content.set(...this.pair(this.#element(message), depth));
      else message.skip();
    }
    return { kind: 'map', content };
  }

  #element(message: ProtobufCursor): ProtobufCursor {
    this.#elements += 1;
    if (this.#elements > elementsMax) throw new OtlpTooLargeError(`values have more than ${elementsMax} elements`);
    return message.message();
  }
}

/** Arrays and maps become JSON, bytes base64. */
function textOf(value: Value): string {
  switch (value.kind) {
    case 'empty':
      return '';
    case 'text':
      return value.content;
    case 'bytes':
      return Buffer.from(value.content, 'latin1').toString('base64');
    case 'bool':
    case 'int':
      return String(value.content);
    case 'double':
      return doubleText(value.content);
    case 'array':
    case 'map':
      // JSON knows no NaN and no infinities; the peer's encoder then leaves nothing of the value.
      return isFiniteThroughout(value) ? Buffer.from(jsonOf(value)).toString('latin1') : '';
  }
}

function isFiniteThroughout(value: Value): boolean {
  if (value.kind === 'array') return value.content.every(isFiniteThroughout);
  if (value.kind === 'map') return [...value.content.values()].every(isFiniteThroughout);
  return value.kind !== 'double' || Number.isFinite(value.content);
}

function jsonOf(value: Value): string {
  switch (value.kind) {
    case 'empty':
      return 'null';
    case 'text':
      return jsonString(value.content);
    case 'bytes':
      return value.content === '' ? 'null' : `"${textOf(value)}"`;
    case 'bool':
    case 'int':
    case 'double':
      return textOf(value);
    case 'array':
      return `[${value.content.map(jsonOf).join(',')}]`;
    case 'map': {
      const keys = [...value.content.keys()].sort();
      return `{${keys.map((key) => `${jsonString(key)}:${jsonOf(value.content.get(key)!)}`).join(',')}}`;
    }
  }
}

/** As Go's encoder writes it, which makes it safe to embed in HTML and JavaScript. */
function jsonString(bytes: string): string {
  const text = JSON.stringify(Buffer.from(bytes, 'latin1').toString());
  return text.replace(/[<>&\u2028\u2029]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As ECMAScript writes numbers, with the sign of a negative zero. */
function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
