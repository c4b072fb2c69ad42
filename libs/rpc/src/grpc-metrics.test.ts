import { createRegistry } from '@gauntlet/telemetry';
import { InvariantViolation } from '@gauntlet/base';
import { CallTally, createMethodTally, type FinishedCall } from './call-tally.js';
import { collectGrpcMetrics, connectPeer, createGrpcServer } from './index.js';
import { snappyCodec } from './testing/snappy-codec.js';

test('calls are counted by method, type and code under the names that dashboards know, and told of one by one', async () => {
  const finished: FinishedCall[] = [];
  const server = createGrpcServer({
    address: '127.0.0.1:0',
    codec: snappyCodec,
    onCall: (call) => finished.push(call),
  });
  server.addRawUnary('/x.A/Get', async ({ bytes }) => {
    if (bytes.length === 0) throw new InvariantViolation('ours');
    return Buffer.from('four');
  });
  server.addRawServerStream('/x.A/List', async () => undefined);
  const registry = createRegistry({ withoutProcessMetrics: true });
  collectGrpcMetrics(registry, server);
  const peer = connectPeer(`127.0.0.1:${await server.listen()}`, { codec: snappyCodec });
  const call = (bytes: Buffer) =>
    peer.call('/x.A/Get', { bytes, compressed: false }, { deadlineMs: Date.now() + 5000 }).catch(() => undefined);
  await call(Buffer.from('in'));
  await call(Buffer.from('in'));
  await call(Buffer.alloc(0));
  peer.close();
  await server.stop(1000);

  const text = await registry.render('text');
  const get = 'grpc_type="unary",grpc_service="x.A",grpc_method="Get"';
  const list = 'grpc_type="server_stream",grpc_service="x.A",grpc_method="List"';
  for (const line of [
    `grpc_server_started_total{${get}} 3`,
    `grpc_server_msg_received_total{${get}} 3`,
    `grpc_server_msg_sent_total{${get}} 2`,
    `grpc_server_handled_total{${get},grpc_code="OK"} 2`,
    `grpc_server_handled_total{${get},grpc_code="Internal"} 1`,
    `grpc_server_handled_total{${get},grpc_code="Canceled"} 0`,
    `grpc_server_handling_seconds_bucket{${get},le="120"} 3`,
    `grpc_server_handling_seconds_bucket{${get},le="+Inf"} 3`,
    `grpc_server_handling_seconds_count{${get}} 3`,
    `grpc_server_started_total{${list}} 0`,
    `grpc_server_handled_total{${list},grpc_code="OK"} 0`,
    'grpc_req_panics_recovered_total 1',
  ])
    expect(text.split('\n')).toContain(line);
  expect(finished).toMatchObject([
    { path: '/x.A/Get', code: 'OK', bytesIn: 2, bytesOut: 4, messages: 1 },
    { path: '/x.A/Get', code: 'OK', bytesIn: 2, bytesOut: 4, messages: 1 },
    { path: '/x.A/Get', code: 'INTERNAL', bytesIn: 0, bytesOut: 0, messages: 0 },
  ]);
});

test('only the first status of a call counts, and codes that gRPC does not know count as unknown', () => {
  const method = createMethodTally('/x.A/Get', 'unary');
  const tally = new CallTally('/x.A/Get', method, undefined);
  tally.end(99);
  tally.end(0);
  expect([...method.handledCounts].map((count, code) => [code, count]).filter(([, count]) => count === 1)).toEqual([
    [2, 1],
  ]);
  expect(method.handlingCounts.reduce((sum, count) => sum + count, 0)).toBe(1);
});
