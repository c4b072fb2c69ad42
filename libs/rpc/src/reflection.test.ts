import { createRequire } from 'node:module';
import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import fc from 'fast-check';
import { createGrpcServer, type GrpcServer } from './index.js';
import { reflectionOver, type ProtoFile } from './reflection.js';
import { snappyCodec } from './testing/snappy-codec.js';

/* As grpcurl asks, read by descriptors of the protocol that protobufjs makes of its text. */

interface Message {
  [field: string]: unknown;
}
interface Type {
  decode(bytes: Uint8Array): Message;
  encode(message: Message): { finish(): Uint8Array };
  toObject(message: Message, options: object): Message;
}
const protobuf = createRequire(require.resolve('@grpc/proto-loader'))('protobufjs') as {
  loadSync(path: string): { lookupType(name: string): Type };
};
const root = protobuf.loadSync(`${__dirname}/../../../proto/grpc/reflection/v1/reflection.proto`);
const requestType = root.lookupType('grpc.reflection.v1.ServerReflectionRequest');
const responseType = root.lookupType('grpc.reflection.v1.ServerReflectionResponse');
const encode = (request: Message): Buffer => Buffer.from(requestType.encode(request).finish());
const decode = (bytes: Buffer): Message => responseType.toObject(responseType.decode(bytes), { bytes: String });

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const files: ProtoFile[] = [
  { name: 'c.proto', imports: [], symbols: ['x.C'], descriptorBase64: base64('file c'.repeat(100)) },
  { name: 'b.proto', imports: ['c.proto'], symbols: ['x.B', 'x.B.Inner'], descriptorBase64: base64('file b') },
  {
    name: 'a.proto',
    imports: ['b.proto', 'c.proto'],
    symbols: ['x.A', 'x.A.List'],
    descriptorBase64: base64('file a'),
  },
];
const [c, b, a] = files.map((file) => file.descriptorBase64);

let server: GrpcServer;
let client: Client;
beforeAll(async () => {
  server = createGrpcServer({ address: '127.0.0.1:0', codec: snappyCodec, protoFiles: files });
  server.addRawUnary('/x.A/Get', async () => Buffer.alloc(0));
  server.addRawServerStream('/x.A/List', async () => undefined);
  client = new Client(`127.0.0.1:${await server.listen()}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await server.stop(0);
});

async function ask(version: string, requests: Message[]): Promise<Message[]> {
  const call: ClientDuplexStream<Message, Message> = client.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    encode,
    decode,
  );
  const answers: Message[] = [];
  for (const request of requests) call.write(request);
  call.end();
  for await (const answer of call) answers.push(answer as Message);
  return answers;
}

test.each(['v1', 'v1alpha'])('%s lists the services of the server, its own among them', async (version) => {
  expect(await ask(version, [{ listServices: '*' }])).toEqual([
    {
      originalRequest: { listServices: '*' },
      listServicesResponse: {
        service: [
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
          { name: 'grpc.reflection.v1alpha.ServerReflection' },
          { name: 'x.A' },
        ],
      },
    },
  ]);
});

test('one stream takes many questions, answered in their order', async () => {
  const questions: [Message, Message][] = [
    [{ fileByFilename: 'a.proto' }, { fileDescriptorResponse: { fileDescriptorProto: [a, b, c] } }],
    [{ fileByFilename: 'c.proto', host: 'h'.repeat(300) }, { fileDescriptorResponse: { fileDescriptorProto: [c] } }],
    [{ fileContainingSymbol: 'x.B.Inner' }, { fileDescriptorResponse: { fileDescriptorProto: [b, c] } }],
    [{ fileContainingSymbol: 'no.Such' }, { errorResponse: { errorCode: 5, errorMessage: expect.any(String) } }],
    [{ fileByFilename: '' }, { errorResponse: { errorCode: 5, errorMessage: expect.any(String) } }],
    [
      { fileContainingExtension: { containingType: 'x.A', extensionNumber: 100 } },
      { errorResponse: { errorCode: 5, errorMessage: expect.any(String) } },
    ],
    [{ allExtensionNumbersOfType: 'x.C' }, { allExtensionNumbersResponse: { baseTypeName: 'x.C' } }],
    [{ allExtensionNumbersOfType: 'x.D' }, { errorResponse: { errorCode: 5, errorMessage: expect.any(String) } }],
    [{}, { errorResponse: { errorCode: 3, errorMessage: expect.any(String) } }],
  ];
  const answers = await ask(
    'v1',
    questions.map(([question]) => question),
  );
  expect(answers).toEqual(questions.map(([question, answer]) => ({ originalRequest: question, ...answer })));
});

test('whatever comes as a question is answered at once', () => {
  const answer = reflectionOver(files, () => []);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(answer(Buffer.from(bytes)).length).toBeGreaterThan(bytes.length);
    }),
  );
});
