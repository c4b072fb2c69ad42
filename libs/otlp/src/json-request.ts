import { bitsOf } from './double-bits.js';
import { JsonCursor } from './json-cursor.js';
import { ProtobufOutput } from './protobuf-output.js';
import { exportRequest, type EnumType, type Field, type MessageType, type ScalarType } from './schema.js';

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
export function transcodeJson(body: Buffer): Buffer {
  const json = new JsonCursor(body.toString());
  const output = new ProtobufOutput(body.length + 16);
  if (!json.word('null')) writeFields(json, output, exportRequest);
  json.end();
  return output.view();
}

function writeFields(json: JsonCursor, output: ProtobufOutput, type: MessageType): void {
  const fields = type.fields();
  json.object((name) => {
    const field = fields.get(name) ?? (name.includes('_') ? fields.get(camelCase(name)) : undefined);
    if (field === undefined) json.skip();
    else if (json.word('null')) return;
    else if (!field.repeated) writeField(json, output, field);
    else if (isPacked(field)) writePacked(json, output, field);
    else json.array(() => writeField(json, output, field));
  });
}

function writeField(json: JsonCursor, output: ProtobufOutput, { number, type }: Field): void {
  if (isScalar(type)) return writeScalar(json, output, number, type);
  if ('numbers' in type) return output.varint(number, readEnum(json, type));
  const start = output.begin(number);
  writeFields(json, output, type);
  output.end(start);
}

function writeScalar(json: JsonCursor, output: ProtobufOutput, number: number, type: ScalarType): void {
  switch (type) {
    case 'string':
      return output.bytes(number, Buffer.from(json.string()));
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

function writePacked(json: JsonCursor, output: ProtobufOutput, { number, type }: Field): void {
  const start = output.begin(number);
  json.array(() => {
    if (type === 'double') output.packedFixed64(bitsOf(readDouble(json)));
    else if (type === 'fixed64') output.packedFixed64(readInteger(json, 'fixed64'));
    else output.packedVarint(readInteger(json, 'uint64'));
  });
  output.end(start);
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
