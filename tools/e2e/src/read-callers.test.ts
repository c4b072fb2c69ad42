import { Client, Metadata, credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { sumOf } from '@gauntlet/stack-tool';
import { connectIngester } from './ingester-client.js';
import { endToEnd, waitFor } from './lab.js';
import { field, number } from './protobuf-fields.js';
import { readMetrics, startIngester, type Ingester } from './servers.js';

const tenant = 'default-tenant';
const MiB = 1 << 20;
const seriesCount = 20_000;
const perWrite = 4000;
/** Makes an answer of some 20 MB, more than windows and buffers on the way hold. */
const filler = 'x'.repeat(900);
const seriesPath = '/thanos.Store/Series';

/** Within what a call that nobody waits for any more ends: 50 ms, which a machine that runs other tests beside cannot keep. */
const noticedMsMax = process.env['GAUNTLET_LONG'] === '1' ? 50 : 250;

endToEnd(
  'bad requests are refused at once; callers that leave, are late or do not read cost other callers nothing and leave nothing behind',
  { needs: [], timeoutMs: 60_000 },
  async (lab) => {
    const ingester = await startIngester(lab, { name: 'one' });
    const timestampMs = Date.now();
    const writer = connectIngester(ingester);
    for (let from = 0; from < seriesCount; from += perWrite)
      await writer.write(
        tenant,
        Array.from({ length: perWrite }, (_, index) => ({
          labels: [
            ['__name__', 'wide'],
            ['filler', filler],
            ['series', String(from + index)],
          ] as const,
          samples: [{ timestampMs, value: index }],
        })),
      );
    writer.close();
    const callers = Array.from({ length: 3 }, () => new Caller(ingester));
    const [caller, slow, other] = callers as [Caller, Caller, Caller];
    const wide = seriesRequest([matcher(0, '__name__', 'wide')]);
    try {
      for (const [what, path, request, code] of badRequests) {
        const startMs = performance.now();
        const answer = await caller.call(path, request);
        expect([what, status[answer.code]]).toEqual([what, status[code]]);
        expect(performance.now() - startMs).toBeLessThan(1000);
      }
      expect(await caller.services()).toEqual(expect.arrayContaining(servicesExpected));

      // The first read makes the index of the head.
      expect(await caller.call(seriesPath, wide)).toMatchObject({ code: status.OK, messages: seriesCount });

      const leftMs: number[] = [];
      for (let round = 0; round < 5; round++) {
        const before = await handled(ingester, 'Canceled');
        const stream = caller.stream(seriesPath, wide);
        await firstMessage(stream);
        stream.cancel();
        leftMs.push(await untilHandled(ingester, 'Canceled', before + 1));
      }
      // The best of a few: the machine may be busy with other things.
      expect(Math.min(...leftMs)).toBeLessThan(noticedMsMax);

      const lateMs: number[] = [];
      for (let round = 0; round < 5; round++) {
        const before = await handled(ingester, 'DeadlineExceeded', 'Canceled');
        const { code } = await caller.call(seriesPath, wide, 20);
        expect(code).toBe(status.DEADLINE_EXCEEDED);
        lateMs.push(await untilHandled(ingester, ['DeadlineExceeded', 'Canceled'], before + 1));
      }
      expect(Math.min(...lateMs)).toBeLessThan(noticedMsMax);

      // Those that do not read: others have their answers meanwhile, and memory stays.
      const residentBefore = residentBytes(ingester);
      const held = Array.from({ length: 8 }, () => slow.stream(seriesPath, wide).pause());
      for (let round = 0; round < 3; round++)
        expect(await other.call(seriesPath, wide)).toMatchObject({ code: status.OK, messages: seriesCount });
      expect(residentBytes(ingester) - residentBefore).toBeLessThan(128 * MiB);
      expect(await running(ingester)).toBe(held.length);
      for (const stream of held) stream.cancel();
      await waitFor(async () => (await running(ingester)) === 0, { timeoutMs: 5000, what: 'all calls to end' });
    } finally {
      for (const one of callers) one.close();
    }
  },
);

const matcher = (type: number, name: string, value: string): Buffer =>
  Buffer.concat([number(1, type), field(2, name), field(3, value)]);

function seriesRequest(matchers: readonly Buffer[], ...more: readonly Buffer[]): Buffer {
  return Buffer.concat([number(2, 4_000_000_000_000), ...matchers.map((one) => field(3, one)), ...more]);
}

const abort = number(7, 1);
const catastrophic = `(${'a*'.repeat(2000)}){1000}`;
const badRequests: readonly (readonly [what: string, path: string, request: Buffer, code: status])[] = [
  ['no matcher', seriesPath, seriesRequest([]), status.INVALID_ARGUMENT],
  ['an invalid regex', seriesPath, seriesRequest([matcher(2, 'a', '(')], abort), status.INVALID_ARGUMENT],
  ['a regex too large', seriesPath, seriesRequest([matcher(2, 'a', catastrophic)], abort), status.INVALID_ARGUMENT],
  ['an unknown kind', seriesPath, seriesRequest([matcher(7, 'a', 'b')], abort), status.INVALID_ARGUMENT],
  ['no label to ask for', '/thanos.Store/LabelValues', Buffer.alloc(0), status.INVALID_ARGUMENT],
  ['what is no message', seriesPath, Buffer.from([0xff, 0xff]), status.INTERNAL],
  ['an unknown method', '/thanos.Store/Nothing', Buffer.alloc(0), status.UNIMPLEMENTED],
];

const servicesExpected = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'thanos.Exemplars',
  'thanos.Status',
  'thanos.Store',
  'thanos.WriteableStore',
  'thanos.info.Info',
];

const asIs = (bytes: Buffer): Buffer => bytes;

class Caller {
  readonly #client: Client;

  constructor({ grpc }: Ingester) {
    // A connection of its own: streams that are not read fill the window that those of one connection share.
    this.#client = new Client(grpc, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  }

  stream(path: string, request: Buffer, deadlineMs = 30_000): ClientReadableStream<Buffer> {
    const stream = this.#client.makeServerStreamRequest(path, asIs, asIs, request, new Metadata(), {
      deadline: Date.now() + deadlineMs,
    });
    // Whoever waits for its end hears of it as well.
    stream.on('error', () => undefined);
    return stream;
  }

  call(path: string, request: Buffer, deadlineMs?: number): Promise<{ code: status; messages: number }> {
    const stream = this.stream(path, request, deadlineMs);
    let messages = 0;
    return new Promise((resolve) => {
      stream.on('data', () => (messages += 1));
      stream.on('error', ({ code }: ServiceError) => resolve({ code, messages }));
      stream.on('end', () => resolve({ code: status.OK, messages }));
    });
  }

  /** What reflection lists. */
  async services(): Promise<string[]> {
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const call = this.#client.makeBidiStreamRequest(path, asIs, asIs);
    call.write(field(7, '*'));
    call.end();
    for await (const answer of call) return String(answer).match(/[a-z][\w.]*\.[A-Z]\w+/g) ?? [];
    return [];
  }

  close(): void {
    this.#client.close();
  }
}

const firstMessage = (stream: ClientReadableStream<Buffer>): Promise<unknown> =>
  new Promise((resolve) => stream.once('data', resolve));

async function handled(ingester: Ingester, ...codes: readonly string[]): Promise<number> {
  const samples = await readMetrics(ingester);
  return samples
    .filter(({ name, labels }) => name === 'grpc_server_handled_total' && labels['grpc_method'] === 'Series')
    .filter(({ labels }) => codes.includes(labels['grpc_code'] ?? ''))
    .reduce((sum, { value }) => sum + value, 0);
}

/** How long it took until calls were handled with these codes. */
async function untilHandled(ingester: Ingester, codes: string | readonly string[], count: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    if ((await handled(ingester, ...[codes].flat())) >= count) return performance.now() - startMs;
    if (performance.now() - startMs > 5000) throw new Error(`no more calls ended with ${[codes].flat().join(' or ')}`);
  }
}

async function running(ingester: Ingester): Promise<number> {
  const samples = (await readMetrics(ingester)).filter(({ labels }) => labels['grpc_method'] === 'Series');
  return (sumOf(samples, 'grpc_server_started_total') ?? 0) - (sumOf(samples, 'grpc_server_handled_total') ?? 0);
}

function residentBytes({ child }: Ingester): number {
  const [, pages] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}
