import protobuf from 'protobufjs';
import { exportRequest, type Field, type MessageType } from './schema.js';
import { protoType } from './testing/encode-request.js';

test('every field of the table is in the .proto file: its number, its type, and whether it repeats', () => {
  const seen = new Set<string>();
  const check = (message: MessageType): void => {
    if (seen.has(message.name)) return;
    seen.add(message.name);
    const proto = protoType(message.name);
    for (const [name, field] of message.fields()) {
      expect({ in: message.name, name, ...described(field) }).toEqual({
        in: message.name,
        name,
        ...describedByProto(proto.fields[name]!),
      });
      if (typeof field.type === 'object' && 'fields' in field.type) check(field.type);
    }
  };
  check(exportRequest);
  expect(seen.size).toBe(21);
});

interface Description {
  number: number;
  type: string;
  repeated: boolean;
  numbers?: Record<string, number>;
}

function described({ number, repeated, type }: Field): Description {
  if (typeof type === 'string') return { number, repeated, type: type === 'id' ? 'bytes' : type };
  if ('numbers' in type) return { number, repeated, type: 'enum', numbers: Object.fromEntries(type.numbers) };
  return { number, repeated, type: type.name };
}

function describedByProto({ id, type, repeated, resolvedType }: protobuf.Field): Description {
  if (resolvedType instanceof protobuf.Enum) {
    return { number: id, repeated, type: 'enum', numbers: { ...resolvedType.values } };
  }
  return { number: id, repeated, type: resolvedType?.fullName.replace('.opentelemetry.', '') ?? type };
}
