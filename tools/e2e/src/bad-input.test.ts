import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { MiB } from '@gauntlet/base';
import { sumOf } from '@gauntlet/stack-tool';
import { compressSync } from 'snappy';
import { endToEnd } from './lab.js';
import { subject } from './peers.js';
import { remoteWrite } from './remote-write-client.js';
import { sampleRound } from './sample-ledger.js';
import { readMetrics, startIngester, startRouter, type Ingester, type Router } from './servers.js';

interface RecordedRequest {
  readonly listener: 'remote-write' | 'http';
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}
interface RecordedCase {
  readonly name: string;
  readonly topology: 'router-rf1' | 'router-no-tenant-match';
  readonly before?: readonly RecordedRequest[];
  readonly request: RecordedRequest;
  readonly response: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly bodyMustContain?: readonly string[];
  };
  /** Where we answer otherwise than Thanos on purpose. */
  readonly dev?: { readonly status: number };
}
interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The recordings lie in the year 2033. */
const anyTime = ['--tsdb.too-far-in-future.time-window=0s'];

const cases = JSON.parse(readFileSync(join(__dirname, '../testdata/http-cases.json'), 'utf8')) as RecordedCase[];

endToEnd('bad input gets the recorded answer and changes nothing', { needs: [], timeoutMs: 60_000 }, async (lab) => {
  const ingester = await startIngester(lab, { name: 'one', flags: anyTime });
  const routers: Record<RecordedCase['topology'], Router> = {
    'router-rf1': await startRouter(lab, { ingesters: [ingester.grpc] }),
    'router-no-tenant-match': await startRouter(lab, {
      name: 'router-tenants',
      ingesters: [],
      hashrings: [
        { hashring: 'one', tenants: ['only-this', 'star*'], endpoints: [ingester.grpc] },
        { hashring: 'teams', tenants: ['team-?'], tenant_matcher_type: 'glob', endpoints: [ingester.grpc] },
      ],
    }),
  };
  const wrong: string[] = [];
  for (const one of cases) {
    const router = routers[one.topology];
    for (const request of one.before ?? []) await send(router, request);
    const before = await held(ingester);
    const reply = await send(router, one.request);
    const after = await held(ingester);
    wrong.push(...complaints(one, reply).map((complaint) => `${one.name}: ${complaint}`));
    if (reply.status < 300) continue;
    if (JSON.stringify(after) !== JSON.stringify(before))
      wrong.push(`${one.name}: it was answered ${reply.status} but changed what the ingester holds`);
  }
  expect(wrong).toEqual([]);
});

endToEnd(
  'bad labels of a tenant that nobody knows get the recorded answer and make no database',
  { needs: [], timeoutMs: 60_000 },
  async (lab) => {
    const ingester = await startIngester(lab, { name: 'one', flags: anyTime });
    const router = await startRouter(lab, { ingesters: [ingester.grpc] });
    const wrong: string[] = [];
    const before = await held(ingester);
    const bad = cases.filter(
      ({ name, response, before: first }) =>
        name.startsWith('labels-') && response.status === 409 && first === undefined,
    );
    for (const [index, one] of bad.entries()) {
      const reply = await send(router, {
        ...one.request,
        headers: { ...one.request.headers, 'thanos-tenant': `unknown-${index}` },
      });
      wrong.push(
        ...complaints(one, { ...reply, body: reply.body.replaceAll(`unknown-${index}`, 'default-tenant') }).map(
          (complaint) => `${one.name}: ${complaint}`,
        ),
      );
    }
    const after = await held(ingester);
    expect(bad.length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
    // The real one makes a database at once.
    if (subject === 'gauntlet') expect(after).toEqual(before);
  },
);

endToEnd(
  'a body over the limit gets 413, however it comes, and the next write is taken',
  { needs: [], timeoutMs: 60_000 },
  async (lab) => {
    if (subject === 'thanos') return; // Without a limit of its own it takes them all.
    const ingester = await startIngester(lab, { name: 'one', flags: anyTime });
    const router = await startRouter(lab, { ingesters: [ingester.grpc] });
    const before = await held(ingester);
    const tooLarge = { status: 413, body: 'write request too large\n' };
    // Declared: refused before a byte of it comes.
    expect(await post(router, { 'content-length': String(bodyBytesMax + 1) }, [])).toMatchObject(tooLarge);
    // Not declared: refused as soon as it is too long.
    expect(
      await post(
        router,
        { 'transfer-encoding': 'chunked' },
        Array.from({ length: 33 }, () => Buffer.alloc(MiB)),
      ),
    ).toMatchObject(tooLarge);
    // Small on the wire, large when it is decompressed: a snappy block of zeros that says how long it is and is so.
    const bomb = compressSync(Buffer.alloc(messageBytesMax + 1));
    expect(bomb.length).toBeLessThan(bodyBytesMax);
    expect((await post(router, { 'content-length': String(bomb.length) }, [bomb])).status).toBe(413);
    expect(await held(ingester)).toEqual(before);
    expect(
      (
        await remoteWrite(
          router.remoteWriteUrl,
          sampleRound({ kind: 'after', series: 1, timestampMs: Date.now(), value: 1 }),
        )
      ).status,
    ).toBe(200);
  },
);

const bodyBytesMax = 32 * MiB;
const messageBytesMax = 128 * MiB;

/** Sends the pieces for as long as nobody answers. */
function post(router: Router, headers: Readonly<Record<string, string>>, pieces: readonly Buffer[]): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const request = httpRequest(
      router.remoteWriteUrl,
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', ...headers },
      },
      (response) => {
        answered = true;
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
          request.destroy();
        });
      },
    );
    // A server that has answered need not take the rest.
    request.on('error', (error) => answered || reject(error));
    request.flushHeaders();
    const next = (index: number): void => {
      const piece = pieces[index];
      if (answered || piece === undefined) return void (pieces.length > 0 && request.end());
      request.write(piece, () => next(index + 1));
    };
    next(0);
  });
}

function complaints({ response, dev }: RecordedCase, reply: Reply): string[] {
  if (subject === 'gauntlet' && dev)
    return reply.status === dev.status ? [] : [`expected ${dev.status}, got ${reply.status} ${reply.body}`];
  const found: string[] = [];
  if (reply.status !== response.status) found.push(`expected ${response.status}, got ${reply.status} ${reply.body}`);
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    if (reply.headers[name] !== value) found.push(`expected ${name}: ${value}, got ${String(reply.headers[name])}`);
  }
  // Where the recording names parts, the rest of the wording is free.
  if (response.bodyMustContain) {
    for (const part of response.bodyMustContain)
      if (!reply.body.includes(part)) found.push(`expected "${part}" in ${reply.body}`);
  } else if (response.body !== undefined && reply.body !== response.body)
    found.push(`expected the text ${JSON.stringify(response.body)}, got ${JSON.stringify(reply.body)}`);
  return found;
}

interface Held {
  readonly samples: number;
  readonly series: number;
  readonly tenants: readonly string[];
  readonly beside: readonly string[];
}

/** What bad input must not change: samples, series and, outside and inside the data directory, folders of tenants. */
async function held(ingester: Ingester): Promise<Held> {
  const metrics = await readMetrics(ingester);
  return {
    samples: sumOf(metrics, 'prometheus_tsdb_head_samples_appended_total') ?? 0,
    series: sumOf(metrics, 'prometheus_tsdb_head_series') ?? 0,
    // The real one takes tenants such as `.` and `..`, which ours refuses.
    tenants: subject === 'gauntlet' ? readdirSync(ingester.dataDir).sort() : [],
    beside: readdirSync(join(ingester.dataDir, '..'))
      .filter((name) => !name.endsWith('.log'))
      .sort(),
  };
}

function send(router: Router, { listener, method, path, headers, body }: RecordedRequest): Promise<Reply> {
  const host = listener === 'http' ? router.http : new URL(router.remoteWriteUrl).host;
  const bytes = Buffer.from(body, 'base64');
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      `http://${host}${path}`,
      {
        method,
        agent: false,
        headers: {
          ...headers,
          ...(method === 'POST' || bytes.length > 0 ? { 'content-length': String(bytes.length) } : {}),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    request.on('error', reject);
    request.end(bytes);
  });
}
