import { encodeExportResponse, translateMetrics } from '@gauntlet/otlp';
import { parseRelabelConfig, relabel } from '@gauntlet/relabel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WriteListenerOptions } from './index.js';
import type { OtlpTranslator } from './otlp.js';
import { limitsOf } from './testing/fake-limits.js';
import { runListener, send, type Running } from './testing/run-listener.js';

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
    readonly status?: number | number[];
    readonly headers?: Record<string, string | null>;
    readonly body?: string;
    readonly bodyMustContain?: string[];
    readonly json?: unknown;
  };
  readonly dev?: { readonly status?: number | number[]; readonly headers?: Record<string, string> };
  readonly stored?: { readonly result: Record<string, { readonly labels: [string, string][] }[]> };
}

const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/http-cases.json'), 'utf8')) as { cases: Case[] };

const otlp: OtlpTranslator = {
  translate: (body, type) => translateMetrics(body, type, { targetInfo: true, promoteResourceAttributes: [] }),
  encodeResponse: encodeExportResponse,
};

const rules = parseRelabelConfig(`
- {source_labels: [__name__], regex: "dropme.*", action: drop}
- {regex: secret, action: labeldrop}
- {source_labels: [zone], regex: "(.*)-(.*)", target_label: region, replacement: "$1"}
`);

const topologies: Record<string, Partial<WriteListenerOptions>> = {
  'router-rf1': {},
  'router-tenant-header': { tenantHeader: 'X-Scope', defaultTenant: 'nobody' },
  'router-limits': {
    limits: limitsOf({
      default: { bodyBytesMax: 1000, seriesMax: 5, samplesMax: 8 },
      tenants: {
        roomy: { seriesMax: 20 },
        free: { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 },
        free2: { bodyBytesMax: 0, seriesMax: 0, samplesMax: 3 },
        zero: { bodyBytesMax: 0, seriesMax: 0, samplesMax: 0 },
      },
      crowded: ['crowded', 'full'],
    }),
  },
  'router-split-tenant-label': { splitLabel: 'team' },
  'router-relabel': { relabel: (labels) => relabel(rules, labels) },
};

describe.each(Object.entries(topologies))('%s', (topology, options) => {
  let running: Running;
  beforeAll(async () => (running = await runListener({ otlp, ...options })));
  afterAll(() => running.stop());
  beforeEach(() => void running.target.writes.splice(0));
  afterEach(() => expect(running.faults).toEqual([]));

  const ours = cases.filter((c) => c.topology === topology);
  test.each(ours.map((c) => [c.name, c] as const))('%s', async (_, c) => {
    const { body, ...request } = c.request;
    const answer = await send(running.port, { ...request, body: Buffer.from(body, 'base64') });
    expect([c.dev?.status ?? c.response.status].flat()).toContain(answer.status);
    const { headers = {} } = c.dev ?? c.response;
    for (const [name, value] of Object.entries(headers)) {
      // The Written headers may come with errors, too.
      if (value === null && answer.status >= 400) continue;
      expect([name, answer.headers[name] ?? null]).toEqual([name, value]);
    }
    if (c.dev) return;
    if (c.response.bodyMustContain) for (const text of c.response.bodyMustContain) expect(answer.body).toContain(text);
    else if (c.response.json) expect(JSON.parse(answer.body)).toEqual(c.response.json);
    else if (c.response.body !== undefined) expect(answer.body).toBe(c.response.body);
    if (c.stored && answer.status === 200) expect(running.target.writes).toEqual(writesOf(c.stored.result));
  });
});

function writesOf(result: Record<string, { readonly labels: [string, string][] }[]>): unknown[] {
  const tenants = Object.entries(result).filter(([, series]) => series.length > 0);
  const write = tenants.map(([tenant, series]) => [
    tenant,
    series.map(({ labels }) =>
      labels
        .filter(([name]) => name !== 'tenant_id')
        .map((pair) => pair.join('='))
        .join(','),
    ),
  ]);
  return write.length === 0 ? [] : [Object.fromEntries(write)];
}
