import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { grpcCodeOf } from './errors.js';

/*
 * grpc.reflection.v1.ServerReflection and v1alpha (proto/grpc/reflection), which have the same messages. They are read
 * and written here by hand, since this library knows no generated formats; the tests read them by their descriptors.
 *
 *   request   3 file_by_filename, 4 file_containing_symbol, 5 file_containing_extension, 6 all_extension_numbers_of_type,
 *             7 list_services: one of them, all texts but 5
 *   response  2 the request, and one of: 4 {1 repeated FileDescriptorProto}, 5 {1 type}, 6 {1 repeated {1 name}},
 *             7 {1 code, 2 text}
 */

/** A file as reflection tells of it: `protoFiles` of the library that generates formats. */
export interface ProtoFile {
  readonly name: string;
  readonly imports: readonly string[];
  /** Full names of its messages, enums, services and methods. */
  readonly symbols: readonly string[];
  /** A FileDescriptorProto. */
  readonly descriptorBase64: string;
}

interface ServiceWithImplementation {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Both versions of the service. */
export function createReflection(
  files: readonly ProtoFile[],
  services: () => readonly string[],
): ServiceWithImplementation[] {
  const answer = reflectionOver(files, services);
  return ['v1', 'v1alpha'].map((version) => ({
    definition: {
      ServerReflectionInfo: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    implementation: {
      ServerReflectionInfo: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (request: Buffer) => {
          // Whoever asks on without reading the answers waits until they are read.
          if (call.write(answer(request))) return;
          call.pause();
          call.once('drain', () => call.resume());
        });
        call.on('end', () => call.end());
      },
    },
  }));
}

/** Answers requests, each by itself. */
export function reflectionOver(
  files: readonly ProtoFile[],
  services: () => readonly string[],
): (request: Buffer) => Buffer {
  const byName = new Map(files.map((file) => [file.name, file]));
  const bySymbol = new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)));

  const withImports = (file: ProtoFile): Buffer =>
    field(
      4,
      Buffer.concat(closureOf(file, byName).map((each) => field(1, Buffer.from(each.descriptorBase64, 'base64')))),
    );
  const result = ({ kind, text }: Question): Buffer => {
    if (kind === 7) return field(6, Buffer.concat(services().map((name) => field(1, field(1, Buffer.from(name))))));
    if (kind === 6 && bySymbol.has(text)) return field(5, field(1, Buffer.from(text)));
    const file = kind === 3 ? byName.get(text) : kind === 4 ? bySymbol.get(text) : undefined;
    if (file) return withImports(file);
    if (kind < 3) return failure('INVALID_ARGUMENT', 'Cannot answer reflection: request asks for nothing known');
    return failure('NOT_FOUND', `Cannot answer reflection: ${kind === 5 ? 'extension' : text} is not known here`);
  };
  return (request) => Buffer.concat([field(2, request), result(questionOf(request))]);
}

/** A file and all that it imports, each once. */
function closureOf(file: ProtoFile, byName: ReadonlyMap<string, ProtoFile>): ProtoFile[] {
  const found = new Set([file]);
  for (const each of found) {
    for (const name of each.imports) {
      const imported = byName.get(name);
      if (imported) found.add(imported);
    }
  }
  return [...found];
}

interface Question {
  /** The field's number; 0 for none that we know. */
  readonly kind: number;
  readonly text: string;
}

/** The last of the fields 3 to 7 counts, as for any oneof. All fields have a length; a request that is cut asks for what was read. */
function questionOf(request: Buffer): Question {
  let question: Question = { kind: 0, text: '' };
  for (let at = 0; at < request.length;) {
    const tag = request[at] ?? 0;
    if ((tag & 7) !== 2) return question;
    const length = varint(request, at + 1);
    const start = at + 1 + length.bytes;
    at = start + length.value;
    if (at > request.length) return question;
    const kind = tag >> 3;
    if (kind >= 3 && kind <= 7) question = { kind, text: request.toString('utf8', start, at) };
  }
  return question;
}

function varint(bytes: Buffer, at: number): { value: number; bytes: number } {
  let value = 0;
  let count = 0;
  for (let byte = 0x80; byte >= 0x80 && count < 5; count += 1) {
    byte = bytes[at + count] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * count);
  }
  return { value, bytes: count };
}

function failure(code: 'INVALID_ARGUMENT' | 'NOT_FOUND', text: string): Buffer {
  return field(7, Buffer.concat([Buffer.from([0x08, grpcCodeOf(code)]), field(2, Buffer.from(text))]));
}

/** A field with a length. */
function field(number: number, content: Buffer): Buffer {
  const head = [(number << 3) | 2];
  let rest = content.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) | 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), content]);
}
