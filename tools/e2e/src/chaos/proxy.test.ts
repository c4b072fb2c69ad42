import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { waitFor } from '../lab.js';
import { ChaosProxy, type ChaosFault } from './proxy.js';

let server: Server;
let proxy: ChaosProxy;
let received: number;
const open = new Set<Socket>();

/** The server sends back what it gets. */
beforeEach(async () => {
  received = 0;
  server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('data', (bytes) => (received += bytes.length));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await ChaosProxy.start({ target: `127.0.0.1:${(server.address() as AddressInfo).port}`, seed: 7 });
});

afterEach(async () => {
  for (const socket of open) socket.destroy();
  open.clear();
  await proxy.stop();
  await new Promise((resolve) => server.close(resolve));
});

async function connect(): Promise<{ socket: Socket; bytes: () => Buffer; error: () => string | undefined }> {
  const socket = createConnection({ port: Number(proxy.address.split(':')[1]), host: '127.0.0.1' });
  open.add(socket);
  const pieces: Buffer[] = [];
  let error: string | undefined;
  socket.on('data', (bytes) => pieces.push(bytes));
  socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code));
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
  return { socket, bytes: () => Buffer.concat(pieces), error: () => error };
}

const patient = (what: string): { timeoutMs: number; what: string } => ({ timeoutMs: 5000, what });
const numbered = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => at * 7));

/** The time until as many bytes have come back. */
async function roundTripMs(length: number): Promise<number> {
  const { socket, bytes } = await connect();
  const startMs = performance.now();
  socket.write(numbered(length));
  await new Promise<void>((resolve, reject) => {
    socket.on('data', () => bytes().length >= length && resolve());
    socket.on('close', () => reject(new Error('closed')));
  });
  expect(bytes().equals(numbered(length))).toBe(true);
  return performance.now() - startMs;
}

test('without a fault all bytes pass both ways in their order, and so does the end', async () => {
  const { socket, bytes } = await connect();
  socket.end(numbered(300_000));
  await once(socket, 'end');
  expect(bytes().equals(numbered(300_000))).toBe(true);
  await waitFor(() => proxy.tally.open === 0, patient('both connections to close'));
});

test.each<[ChaosFault, number, number]>([
  [{ kind: 'delay', delayMs: 60, jitterMs: 30 }, 100, 120],
  // Lost five times in each direction: 5 + 10 + 20 + 40 + 80 ms.
  [{ kind: 'loss', share: 1, retransmitMs: 5 }, 100, 310],
  [{ kind: 'narrow', bytesPerSecond: 100_000 }, 20_000, 180],
  [{ kind: 'slow-reads', bytesPerSecond: 100_000 }, 20_000, 180],
])('%j: %d bytes come back whole, not sooner than %d ms', async (fault, length, msMin) => {
  await proxy.set(fault);
  // Timers may be a millisecond early.
  expect(await roundTripMs(length)).toBeGreaterThanOrEqual(msMin - 2);
  await proxy.heal();
  expect(await roundTripMs(100)).toBeLessThan(msMin + 50);
});

test('silence takes connections and answers nothing; what was held back comes when it is over', async () => {
  const before = await connect();
  await proxy.set({ kind: 'silence', of: 'all' });
  const during = await connect();
  for (const { socket } of [before, during]) socket.write('held');
  expect(await roundTripWithin(100)).toBe(false);
  expect(received).toBe(0);
  await proxy.heal();
  for (const { bytes } of [before, during]) await waitFor(() => String(bytes()) === 'held', patient('what was held'));
});

test('silence of the answers lets requests through', async () => {
  await proxy.set({ kind: 'silence', of: 'answers' });
  const { socket, bytes } = await connect();
  socket.write('request');
  await waitFor(() => received === 7, patient('the request'));
  expect(bytes()).toHaveLength(0);
});

test('a client that leaves during a silence is seen to leave only afterwards', async () => {
  const { socket } = await connect();
  await waitFor(() => open.size === 2, patient('both ends'));
  const [, atServer] = [...open] as [Socket, Socket];
  await proxy.set({ kind: 'silence', of: 'all' });
  socket.end();
  expect(await roundTripWithin(50)).toBe(false);
  expect(atServer.readableEnded).toBe(false);
  await proxy.heal();
  await waitFor(() => atServer.readableEnded, patient('the end'));
});

test('a reset breaks off old and new connections in the midst of their bytes', async () => {
  const old = await connect();
  await proxy.set({ kind: 'reset', bytesMax: 1000 });
  for (const { socket, error, bytes } of [old, await connect()]) {
    socket.write(numbered(2000));
    await waitFor(() => error() === 'ECONNRESET', patient('the reset'));
    expect(bytes().length).toBeLessThanOrEqual(1000);
  }
  expect(proxy.tally).toMatchObject({ connections: 2, resets: 2 });
});

test('while it refuses, nobody listens, and what was open is broken off; afterwards the address is the same', async () => {
  const { address } = proxy;
  const old = await connect();
  await proxy.set({ kind: 'refuse' });
  await waitFor(() => old.error() === 'ECONNRESET', patient('the reset'));
  expect((await connect()).error()).toBe('ECONNREFUSED');
  await proxy.heal();
  expect(proxy.address).toBe(address);
  expect(await roundTripMs(10)).toBeLessThan(1000);
});

test('a slow reader takes no more than its buffers hold, so that the client has to wait', async () => {
  await proxy.set({ kind: 'slow-reads', bytesPerSecond: 1000 });
  const { socket } = await connect();
  const total = 64 << 20;
  socket.write(Buffer.alloc(total));
  await waitFor(() => received > 0, patient('the first bytes'));
  expect(socket.bytesWritten - socket.writableLength).toBeLessThan(total / 2);
  expect(received).toBeLessThan(100_000);
});

test('a server that is not there looks like one that breaks off', async () => {
  await new Promise((resolve) => server.close(resolve));
  const { error } = await connect();
  await waitFor(() => error() === 'ECONNRESET', patient('the reset'));
  server.listen(0);
  await once(server, 'listening');
});

async function roundTripWithin(ms: number): Promise<boolean> {
  const { socket, bytes } = await connect();
  socket.write('x');
  await new Promise((resolve) => setTimeout(resolve, ms));
  return bytes().length > 0;
}
