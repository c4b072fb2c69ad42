import { bitsOf } from './double-bits.js';
import { JsonCursor, numberCharactersMax } from './json-cursor.js';
import { ProtobufOutput } from './protobuf-output.js';
import { exportRequest, type EnumType, type Field, type ScalarType } from './schema.js';
import type { Steps } from './steps.js';

/**
 * Writes a request in JSON as protobuf, so that one reader serves both. The rules of OTLP/JSON, and what its peers bear:
 *
 * 1. Fields go by their names in lowerCamelCase or as in the .proto file. Unknown ones are ignored, null is as good as absent.
 * 2. Integers are numbers or strings, without fraction and exponent, within their type's range.
 * 3. Doubles are numbers or strings, among them `NaN`, `Infinity` and `-Infinity`.
 * 4. Enumerations are numbers or names. Ids are hexadecimal, other bytes base64.
 *
 * Lengths take five bytes and packed numbers eight at most, so that the result stays within four times the text.
 */
export function* transcodeJson(body: Buffer): Steps<Buffer> {
  const json = new JsonCursor(body);
  // Memory that is not written to is not taken: there is room for the longest result, so that what is there is never copied.
  const output = new ProtobufOutput(body.length * 4 + 16);
  if (!json.word('null')) yield* new Transcoder(json, output).run();
  json.end();
  return output.view();
}

/** An object or array that is being read, from the outside in. */
interface Open {
  readonly close: '}' | ']';
  /** What the fields of an object are; undefined for an array, and for what is skipped. */
  readonly fields: ReadonlyMap<string, Field> | undefined;
  /** What the items of an array are; undefined for an object, and for what is skipped. */
  readonly items: Field | undefined;
  /** What `ProtobufOutput.end` needs; undefined if the output does not begin anything here. */
  readonly start: number | undefined;
  isFirst: boolean;
}

/** Keeps its own stack instead of calling itself, so that it can stop anywhere. */
class Transcoder {
  readonly #json: JsonCursor;
  readonly #output: ProtobufOutput;
  readonly #opened: Open[] = [];

  constructor(json: JsonCursor, output: ProtobufOutput) {
    this.#json = json;
    this.#output = output;
  }

  *run(): Steps<void> {
    const json = this.#json;
    this.#open('{', { fields: exportRequest.fields() });
    for (let open = this.#opened.at(-1); open !== undefined; open = this.#opened.at(-1)) {
      if (json.endsStride()) yield;
      if (!json.nextItem(open.close, open.isFirst)) {
        this.#opened.pop();
        if (open.start !== undefined) this.#output.end(open.start);
        continue;
      }
      open.isFirst = false;
      const name = open.close === '}' ? json.name() : '';
      if (open.fields !== undefined) this.#field(fieldOf(open.fields, name));
      else if (open.items !== undefined) this.#item(open.items);
      else this.#skip();
    }
  }

  #field(field: Field | undefined): void {
    if (field === undefined) this.#skip();
    else if (this.#json.word('null')) return;
    else if (!field.repeated) this.#value(field);
    else this.#open('[', { items: field, start: isPacked(field) ? this.#output.begin(field.number) : undefined });
  }

  #item(field: Field): void {
    const { type } = field;
    if (type === 'double') this.#output.packedFixed64(bitsOf(readDouble(this.#json)));
    else if (type === 'fixed64') this.#output.packedFixed64(readInteger(this.#json, 'fixed64'));
    else if (type === 'uint64') this.#output.packedVarint(readInteger(this.#json, 'uint64'));
    else this.#value(field);
  }

  #value({ number, type }: Field): void {
    if (isScalar(type)) writeScalar(this.#json, this.#output, number, type);
    else if ('numbers' in type) this.#output.varint(number, readEnum(this.#json, type));
    else this.#open('{', { fields: type.fields(), start: this.#output.begin(number) });
  }

  #skip(): void {
    const next = this.#json.peek();
    if (next === '{' || next === '[') this.#open(next, {});
    else this.#json.skipScalar();
  }

  #open(open: '{' | '[', { fields, items, start }: Partial<Open>): void {
    this.#json.enter(open);
    this.#opened.push({ close: open === '{' ? '}' : ']', fields, items, start, isFirst: true });
  }
}

/** Names longer than any that we know are not looked at. */
const nameCharactersMax = 64;

function fieldOf(fields: ReadonlyMap<string, Field>, name: string): Field | undefined {
  if (name.length > nameCharactersMax) return undefined;
  return fields.get(name) ?? (name.includes('_') ? fields.get(camelCase(name)) : undefined);
}

function writeScalar(json: JsonCursor, output: ProtobufOutput, number: number, type: ScalarType): void {
  switch (type) {
    case 'string':
      return output.text(number, json.string());
    case 'bool':
      return output.varint(number, readBool(json) ? 1 : 0);
    case 'bytes':
      return output.bytes(number, readEncoded(json, 'base64'));
    case 'id':
      return output.bytes(number, readEncoded(json, 'hex'));
    case 'double':
      return output.fixed64(number, bitsOf(readDouble(json)));
    case 'fixed64':
    case 'sfixed64':
      return output.fixed64(number, readInteger(json, type));
    case 'sint32':
      return output.zigzag(number, readInteger(json, type));
    case 'int64':
    case 'uint64':
    case 'uint32':
      return output.varint(number, readInteger(json, type));
  }
}

/** Repeated numbers are either doubles, fixed or plain. */
function isPacked({ type }: Field): boolean {
  return type === 'double' || type === 'fixed64' || type === 'uint64';
}

const ranges = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
} as const;

function readInteger(json: JsonCursor, type: keyof typeof ranges): bigint {
  const text = json.peek() === '"' ? json.string() : json.number();
  // No number of 64 bits is longer, and BigInt takes its time with those that are.
  if (text.length > 40 || !/^[+-]?[0-9]+$/.test(text)) throw json.malformed('an integer is missing');
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  const [least, most] = ranges[type];
  if (value < least || value > most) throw json.malformed(`an integer is out of the range of ${type}`);
  return value;
}

function readDouble(json: JsonCursor): number {
  const isString = json.peek() === '"';
  const text = isString ? json.string() : json.number();
  if (text.length > numberCharactersMax * 4) throw json.malformed('a number is too long');
  if (isString && /^nan$/i.test(text)) return NaN;
  const infinity = isString ? /^([+-]?)inf(?:inity)?$/i.exec(text) : null;
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (!/^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$/.test(text) || !Number.isFinite(value)) {
    throw json.malformed('a number is missing or out of range');
  }
  return value;
}

function readBool(json: JsonCursor): boolean {
  if (json.word('true')) return true;
  if (json.word('false')) return false;
  throw json.malformed('true or false is missing');
}

function readEnum(json: JsonCursor, { numbers }: EnumType): bigint {
  if (json.peek() !== '"') return BigInt.asIntN(32, readInteger(json, 'sint32'));
  const number = numbers.get(json.string());
  if (number === undefined) throw json.malformed('the name of an enumeration is unknown');
  return BigInt(number);
}

/** Node's decoder passes over what it does not know: what it read has to say the same. */
function readEncoded(json: JsonCursor, encoding: 'base64' | 'hex'): Buffer {
  const text = json.string();
  const bytes = Buffer.from(text, encoding);
  const again = bytes.toString(encoding);
  if (again !== (encoding === 'hex' ? text.toLowerCase() : text)) throw json.malformed(`bytes are not in ${encoding}`);
  return bytes;
}

function isScalar(type: Field['type']): type is ScalarType {
  return typeof type === 'string';
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
