import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { sumOf } from '@gauntlet/stack-tool';
import { endToEnd } from './lab.js';
import { subject } from './peers.js';
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
  readonly response: { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string; readonly bodyMustContain?: readonly string[] };
  /** Where we answer otherwise than Thanos on purpose. */
  readonly dev?: { readonly status: number };
}
interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const cases = JSON.parse(readFileSync(join(__dirname, '../testdata/http-cases.json'), 'utf8')) as RecordedCase[];

endToEnd('bad input gets the recorded answer and changes nothing', { needs: [], timeoutMs: 60_000 }, async (lab) => {
  const ingester = await startIngester(lab, { name: 'one' });
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
    // A conflict is found by the ingester, which opens the tenant's database before it looks at the labels; it stays empty.
    if (reply.status === 409) before.tenants = after.tenants;
    if (JSON.stringify(after) !== JSON.stringify(before)) wrong.push(`${one.name}: it was answered ${reply.status} but changed what the ingester holds`);
  }
  expect(wrong).toEqual([]);
});

function complaints({ response, dev }: RecordedCase, reply: Reply): string[] {
  if (subject === 'gauntlet' && dev) return reply.status === dev.status ? [] : [`expected ${dev.status}, got ${reply.status} ${reply.body}`];
  const found: string[] = [];
  if (reply.status !== response.status) found.push(`expected ${response.status}, got ${reply.status} ${reply.body}`);
  for (const [name, value] of Object.entries(response.headers ?? {})) {
    if (reply.headers[name] !== value) found.push(`expected ${name}: ${value}, got ${String(reply.headers[name])}`);
  }
  // Where the recording names parts, the rest of the wording is free.
  if (response.bodyMustContain) {
    for (const part of response.bodyMustContain) if (!reply.body.includes(part)) found.push(`expected "${part}" in ${reply.body}`);
  } else if (response.body !== undefined && reply.body !== response.body) found.push(`expected the text ${JSON.stringify(response.body)}, got ${JSON.stringify(reply.body)}`);
  return found;
}

interface Held {
  readonly samples: number;
  readonly series: number;
  tenants: readonly string[];
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
    beside: readdirSync(join(ingester.dataDir, '..')).filter((name) => !name.endsWith('.log')).sort(),
  };
}

function send(router: Router, { listener, method, path, headers, body }: RecordedRequest): Promise<Reply> {
  const host = listener === 'http' ? router.http : new URL(router.remoteWriteUrl).host;
  const bytes = Buffer.from(body, 'base64');
  return new Promise((resolve, reject) => {
    const request = httpRequest(`http://${host}${path}`, { method, agent: false, headers: { ...headers, ...(method === 'POST' || bytes.length > 0 ? { 'content-length': String(bytes.length) } : {}) } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(bytes);
  });
}
