import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPeer, createGrpcServer } from './index.js';
import { snappyCodec as codec } from './testing/snappy-codec.js';

test('the example of the README works', async () => {
  const select = (query: Uint8Array): Uint8Array[] => [query];
  // <README>
  const server = createGrpcServer({ address: '127.0.0.1:0', codec });
  server.addRawUnary('/thanos.WriteableStore/RemoteWrite', async ({ encoding }) => Buffer.from(encoding));
  server.addRawServerStream('/thanos.Store/Series', async ({ bytes }, _call, out) => {
    for (const series of select(bytes)) {
      if (out.ready) await out.ready; // Rejects when the caller leaves.
      out.write(series);
    }
  });
  const port = await server.listen();
  server.setReady(true); // The health service says SERVING.
  const peer = connectPeer(`127.0.0.1:${port}`, { codec });
  const message = { bytes: codec.encode(Buffer.from('a write')), compressed: true };
  const path = '/thanos.WriteableStore/RemoteWrite';
  const reply = await peer.call(path, message, { deadlineMs: Date.now() + 5000 });
  peer.close();
  await server.stop(2000);
  // </README>

  expect(reply.toString()).toBe('snappy-framed');
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
