// Turns every proto/**/*.proto into libs/wire/src/generated/<path>.ts: the descriptor as JSON, ready for
// protobufjs' Root.fromJSON, with everything it imports folded in, so that no .proto file is read at run time.
// Beside them, proto-files.ts holds each file as an encoded FileDescriptorProto, which server reflection answers with.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const protoRoot = join(here, '../../proto');
const generatedRoot = join(here, 'src/generated');

// protobufjs comes with proto-loader, so the two always agree on the descriptor's shape.
const requireBeside = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'));
const protobuf = requireBeside('protobufjs');
const { FileDescriptorProto } = requireBeside('protobufjs/ext/descriptor');

/** Types of fields and what a field may hold, as descriptors number them. */
const scalarTypes = [
  ...['', 'double', 'float', 'int64', 'uint64', 'int32', 'fixed64', 'fixed32', 'bool', 'string', 'group', 'message'],
  ...['bytes', 'uint32', 'enum', 'sfixed32', 'sfixed64', 'sint32', 'sint64'],
];
const labels = { optional: 1, repeated: 3 };

rmSync(generatedRoot, { recursive: true, force: true });
const protoFiles = [];
for (const path of readdirSync(protoRoot, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!path.endsWith('.proto')) continue;
  const root = new protobuf.Root();
  // Imports are named from proto/, whoever imports them.
  root.resolvePath = (_origin, target) => join(protoRoot, target.replace(`${protoRoot}/`, ''));
  root.loadSync(join(protoRoot, path), { keepCase: true }).resolveAll();
  write(path.replace(/\.proto$/, '.ts'), path, constantName(path), root.toJSON());
  protoFiles.push(protoFileOf(path, root));
}
write('proto-files.ts', '', 'protoFiles', protoFiles);

function write(file, source, constant, json) {
  mkdirSync(dirname(join(generatedRoot, file)), { recursive: true });
  writeFileSync(
    join(generatedRoot, file),
    `// Generated from proto/${source.replaceAll('\\', '/')} by libs/wire/codegen.mjs.\nexport const ${constant} = ${JSON.stringify(json, null, 2)};\n`,
  );
}

/** `thanos/store/writeable-store.proto` to `thanosStoreWriteableStore`. */
function constantName(path) {
  const words = path.replace(/\.proto$/, '').split(/[\\/\-.]/);
  return words.map((word, at) => (at === 0 ? word : word[0].toUpperCase() + word.slice(1))).join('');
}

// --- Descriptors. protobufjs' own Root.toDescriptor makes a file of each package, and names types relative to their users.

/** `root` holds the file and its imports; what is the file's own is found by reading it alone. */
function protoFileOf(path, root) {
  const alone = protobuf.parse(readFileSync(join(protoRoot, path), 'utf8'), { keepCase: true });
  const content = root.lookup(alone.package);
  const own = alone.root.lookup(alone.package).nestedArray.map(({ name }) => content.get(name));
  const file = FileDescriptorProto.create({
    name: path.replaceAll('\\', '/'),
    package: alone.package,
    dependency: alone.imports ?? [],
    messageType: own.filter((object) => object instanceof protobuf.Type).map(messageDescriptor),
    enumType: own.filter((object) => object instanceof protobuf.Enum).map(enumDescriptor),
    service: own.filter((object) => object instanceof protobuf.Service).map(serviceDescriptor),
    syntax: 'proto3',
  });
  return {
    name: file.name,
    imports: file.dependency,
    symbols: own.flatMap(symbolsOf),
    descriptorBase64: Buffer.from(FileDescriptorProto.encode(file).finish()).toString('base64'),
  };
}

/** Full names of an object and of all that can be asked for inside it. */
function symbolsOf(object) {
  const inside = [...(object.nestedArray ?? []), ...(object.methodsArray ?? [])];
  return [object.fullName.slice(1), ...inside.flatMap(symbolsOf)];
}

function messageDescriptor(type) {
  const maps = type.fieldsArray.filter((field) => field.map);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => (field.map ? mapDescriptor(field) : fieldDescriptor(field))),
    oneofDecl: type.oneofsArray.map(({ name }) => ({ name })),
    nestedType: [
      ...type.nestedArray.filter((nested) => nested instanceof protobuf.Type).map(messageDescriptor),
      ...maps.map(entryDescriptor),
    ],
    enumType: type.nestedArray.filter((nested) => nested instanceof protobuf.Enum).map(enumDescriptor),
    // protobufjs ends them inclusively, descriptors do not.
    reservedRange: (type.reserved ?? []).map(([start, end]) => ({ start, end: end + 1 })),
  };
}

function fieldDescriptor(field) {
  return {
    name: field.name,
    number: field.id,
    label: field.repeated ? labels.repeated : labels.optional,
    ...typeDescriptor(field),
    ...(field.partOf ? { oneofIndex: field.parent.oneofsArray.indexOf(field.partOf) } : {}),
  };
}

function typeDescriptor({ type, resolvedType }) {
  if (!resolvedType) return { type: scalarTypes.indexOf(type) };
  const kind = resolvedType instanceof protobuf.Enum ? 'enum' : 'message';
  return { type: scalarTypes.indexOf(kind), typeName: resolvedType.fullName };
}

/** A map is a repeated message of key and value. */
function mapDescriptor(field) {
  return {
    name: field.name,
    number: field.id,
    label: labels.repeated,
    type: scalarTypes.indexOf('message'),
    typeName: `${field.parent.fullName}.${entryName(field)}`,
  };
}

function entryDescriptor(field) {
  return {
    name: entryName(field),
    field: [
      { name: 'key', number: 1, label: labels.optional, type: scalarTypes.indexOf(field.keyType) },
      { name: 'value', number: 2, label: labels.optional, ...typeDescriptor(field) },
    ],
    options: { mapEntry: true },
  };
}

function entryName({ name }) {
  return `${name.replace(/(^|_)(.)/g, (_all, _underscore, letter) => letter.toUpperCase())}Entry`;
}

function enumDescriptor({ name, values }) {
  return { name, value: Object.entries(values).map(([value, number]) => ({ name: value, number })) };
}

function serviceDescriptor({ name, methodsArray }) {
  const method = ({ name, resolvedRequestType, resolvedResponseType, requestStream, responseStream }) => ({
    name,
    inputType: resolvedRequestType.fullName,
    outputType: resolvedResponseType.fullName,
    ...(requestStream ? { clientStreaming: true } : {}),
    ...(responseStream ? { serverStreaming: true } : {}),
  });
  return { name, method: methodsArray.map(method) };
}
