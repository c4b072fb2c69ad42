import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { startRouter, type RunningRouter } from './index.js';
import type { WriteSettings } from './start-router.js';
import { FakePeers } from './testing/fake-peers.js';

// What Thanos routers answered, without the cases whose answer is an ingester's. `dev` is where we answer otherwise on purpose.
interface Case {
  readonly name: string;
  readonly topology: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string | string[]>;
    readonly body: string;
  };
  readonly response: {
    readonly status: number | number[];
    readonly headers?: Record<string, string | null>;
    readonly body?: string;
    readonly bodyMustContain?: string[];
    readonly json?: unknown;
  };
  readonly dev?: { readonly status?: number | number[] };
  readonly optional?: boolean;
}

const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/http-cases.json'), 'utf8')) as { cases: Case[] };

const topologies: Record<string, { readonly hashrings: unknown; readonly writes?: WriteSettings }> = {
  'router-rf1': { hashrings: [{ endpoints: ['a:1'] }] },
  'router-no-tenant-match': {
    hashrings: [
      { tenants: ['only-this', 'star*'], endpoints: ['a:1'] },
      { tenants: ['team-?'], tenant_matcher_type: 'glob', endpoints: ['a:1'] },
    ],
  },
  'router-tenant-header': {
    hashrings: [{ endpoints: ['a:1'] }],
    writes: { tenantHeader: 'X-Scope', defaultTenant: 'nobody' },
  },
};

describe.each(Object.entries(topologies))('%s', (topology, { hashrings, ...config }) => {
  let router: RunningRouter;
  const faults: unknown[] = [];
  beforeAll(async () => {
    router = await startRouter({
      listen: { host: '127.0.0.1', port: 0 },
      hashrings: { content: JSON.stringify(hashrings) },
      algorithm: 'ketama',
      replicationFactor: 1,
      transport: new FakePeers(),
      onInternalError: (error) => faults.push(error),
      ...config,
    });
  });
  afterAll(() => router.stop(1000));
  afterEach(() => expect(faults).toEqual([]));

  test.each(cases.filter((c) => c.topology === topology).map((c) => [c.name, c] as const))('%s', async (_, c) => {
    const answer = await send(router.httpAddress.port, c.request);
    const statuses = [c.dev?.status ?? c.response.status].flat();
    expect(statuses).toContain(answer.status);
    if (c.dev) return;
    for (const [name, value] of Object.entries(c.response.headers ?? {}))
      expect([name, answer.headers[name] ?? null]).toEqual([name, value]);
    if (c.response.bodyMustContain) for (const text of c.response.bodyMustContain) expect(answer.body).toContain(text);
    else if (c.response.json) expect(JSON.parse(answer.body)).toEqual(c.response.json);
    else if (c.response.body !== undefined) expect(answer.body).toBe(c.response.body);
  });
});

function send(
  port: number,
  { method, path, headers, body }: Case['request'],
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body, 'base64');
    const chunked = headers['transfer-encoding'] === 'chunked';
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: chunked ? headers : { ...headers, 'content-length': bytes.length },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode as number,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(bytes);
  });
}
