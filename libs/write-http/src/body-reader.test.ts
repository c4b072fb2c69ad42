import fc from 'fast-check';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { BodyReader } from './body-reader.js';

/** A request whose body comes in these pieces. */
function requestOf(chunks: readonly Uint8Array[], announced?: number): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  if (announced !== undefined) request.headers['content-length'] = String(announced);
  for (const chunk of chunks) request.push(chunk);
  request.push(null);
  return request;
}

const chunks = fc.array(
  fc
    .tuple(fc.constantFrom(1, 2, 100, 4096, 16_384, 65_536, 70_000, 200_000), fc.nat(255))
    .map(([size, byte]) => Buffer.alloc(size, byte)),
  { maxLength: 8 },
);

test('bodies are read as they come, in whatever pieces, into buffers that are used again', async () => {
  const reader = new BodyReader();
  await fc.assert(
    fc.asyncProperty(fc.array(chunks, { minLength: 1, maxLength: 3 }), fc.boolean(), async (requests, announces) => {
      const bodies = await Promise.all(
        requests.map((pieces) => {
          const whole = Buffer.concat(pieces);
          return reader.read(requestOf(pieces, announces ? whole.length : undefined), {
            bytesMax: 2_000_000,
            onBytes: () => {},
          });
        }),
      );
      bodies.forEach(({ bytes }, i) => expect(Buffer.concat(requests[i]!).equals(bytes)).toBe(true));
      for (const body of bodies) {
        body.release();
        body.release(); // Giving it back twice must not give it to two requests.
      }
    }),
    { numRuns: 60 },
  );
});

test('a body of exactly the bound is read, and one byte more is not', async () => {
  const reader = new BodyReader();
  const options = { bytesMax: 1000, onBytes: () => {} };
  expect((await reader.read(requestOf([Buffer.alloc(1000)]), options)).bytes.length).toBe(1000);
  await expect(reader.read(requestOf([Buffer.alloc(600), Buffer.alloc(401)]), options)).rejects.toMatchObject({
    code: 'BODY_TOO_LARGE',
  });
});

test('what onBytes throws ends the reading', async () => {
  const seen: number[] = [];
  const onBytes = (count: number): void => {
    seen.push(count);
    if (seen.length === 2) throw new Error('enough');
  };
  const request = requestOf([Buffer.alloc(3), Buffer.alloc(4), Buffer.alloc(5)]);
  await expect(new BodyReader().read(request, { bytesMax: 1000, onBytes })).rejects.toThrow('enough');
  expect(seen).toEqual([3, 4]);
});

test('a request that is gone already is not waited for', async () => {
  const request = requestOf([]);
  request.destroy();
  await expect(new BodyReader().read(request, { bytesMax: 1, onBytes: () => {} })).rejects.toMatchObject({
    code: 'BODY_UNREADABLE',
    kind: 'cancelled',
  });
});
